"""Records that are scored together, and their outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from makiserve.errors import DecodeError, RecordError
from makiserve.records import Record
from makiserve.records.record_table import RecordTable
from makiserve.stream.columns.items import taken

Row = TypeVar("Row", bound=tuple[Any, ...])

Dead = list[tuple[int, RecordError]]
"""Index and error of each record that became a dead letter, in order."""


class Lane:
    """One ordered stream of records with its own state: a Kafka partition, or a replayed file.

    Attributes:
        states: the state of each program of the scorer, in the order of `Scorer.checkpoints`, each as its engine holds
            it.
    """

    def __init__(self, states: list[Any]) -> None:
        self.states = states


class Batch(NamedTuple):
    """Records of one lane, in order; a `DecodeError` replaces a record that could not be decoded.

    Attributes:
        challenged: for each record whether the challenger scores it, as returned by `Scorer.challenged`; None if the
            champion scores all of them.
    """

    lane: Lane
    records: Sequence[Record | DecodeError]
    challenged: Sequence[bool] | None = None

    def decoded(self) -> tuple[Sequence[Any], list[int] | None, Dead]:
        """Return the decoded records, their indexes (None if all were decoded), and the dead letters."""
        if isinstance(self.records, RecordTable):
            return self._decoded_table(self.records)
        if DecodeError not in set(map(type, self.records)):
            return self.records, None, []
        dead: Dead = []
        items: list[Any] = []
        indexes: list[int] = []
        for index, record in enumerate(self.records):
            if isinstance(record, DecodeError):
                dead.append((index, record))
            else:
                items.append(record)
                indexes.append(index)
        return items, indexes, dead

    def _decoded_table(self, table: RecordTable) -> tuple[RecordTable, list[int] | None, Dead]:
        if not table.errors:
            return table, None, []
        indexes = [index for index in range(len(table)) if index not in table.errors]
        return table.take(indexes), indexes, sorted(table.errors.items())


def in_order(parts: Iterable[Iterable[Row]]) -> list[Row]:
    """Return the rows of all parts in the order of their first element, the index of a record."""
    return sorted(chain.from_iterable(parts), key=itemgetter(0))


class Posted(NamedTuple):
    """The items that a post pipeline emitted for a batch, as parallel lists.

    Attributes:
        causes: the index in the batch of the record that caused the item; never decreasing.
        items: the emitted items.
    """

    causes: list[int]
    items: Sequence[Any]

    def take(self, is_taken: Callable[[int], bool]) -> Posted:
        """Return a copy with the items of some records only; see `Scored.take`."""
        kept = [index for index, cause in enumerate(self.causes) if is_taken(cause)]
        return Posted([self.causes[index] for index in kept], [self.items[index] for index in kept])

    def map_causes(self, indexes: Sequence[int]) -> Posted:
        """Return a copy with other indexes of the records; see `Scored.map_causes`."""
        return self._replace(causes=[indexes[cause] for cause in self.causes])

    @classmethod
    def concat(cls, parts: Sequence[Posted]) -> Posted:
        """Return the items of all parts in the order of the records; see `Scored.concat`."""
        rows = in_order(zip(*part, strict=True) for part in parts)
        return cls([cause for cause, _ in rows], [item for _, item in rows])


class Scored(NamedTuple):
    """The result of scoring a batch: parallel lists with one element for each output, and the dead letters.

    Attributes:
        causes: the index in the batch of the record that caused the output; never decreasing.
        features: the items that the pipeline emitted.
        predictions: the model's predictions; each is None without a model.
        dead: index and error of each record that became a dead letter, in order.
        posted: the items that the post pipeline emitted, which are published instead of the predictions. None without
            a post pipeline.
        shadow: for each output the cause and the shadow model's prediction, or the error that replaces it. None without
            a shadow model.
    """

    causes: list[int]
    features: Sequence[Any]
    predictions: list[Any]
    dead: Dead
    posted: Posted | None = None
    shadow: list[tuple[int, Any]] | None = None

    @property
    def published(self) -> int:
        """The number of outputs."""
        return len((self.posted or self).causes)

    def take(self, is_taken: Callable[[int], bool]) -> Scored:
        """Return a copy with the outputs of some records only, and all dead letters.

        Args:
            is_taken: whether the outputs of the record with this index are kept.
        """
        kept = [index for index, cause in enumerate(self.causes) if is_taken(cause)]
        return self._replace(
            causes=[self.causes[index] for index in kept],
            features=taken(self.features, kept),
            predictions=[self.predictions[index] for index in kept],
            posted=self.posted and self.posted.take(is_taken),
            shadow=self.shadow and [output for output in self.shadow if is_taken(output[0])],
        )

    def map_causes(self, indexes: Sequence[int]) -> Scored:
        """Return a copy in which the record with index `i` has the index `indexes[i]`, as in a larger batch."""
        return self._replace(
            causes=[indexes[cause] for cause in self.causes],
            dead=[(indexes[index], error) for index, error in self.dead],
            posted=self.posted and self.posted.map_causes(indexes),
            shadow=self.shadow and [(indexes[cause], prediction) for cause, prediction in self.shadow],
        )

    @classmethod
    def concat(cls, parts: Sequence[Scored]) -> Scored:
        """Return the results of parts of a batch as one, in the order of the records.

        The outputs of one record keep their order. The causes of all parts are indexes in the same batch.
        """
        outputs = in_order(zip(part.causes, part.features, part.predictions, strict=True) for part in parts)
        causes, features, predictions = zip(*outputs, strict=True) if outputs else ((), (), ())
        posted = [part.posted for part in parts if part.posted is not None]
        shadow = [part.shadow for part in parts if part.shadow is not None]
        return cls(
            list(causes),
            list(features),
            list(predictions),
            in_order(part.dead for part in parts),
            Posted.concat(posted) if posted else None,
            in_order(shadow) if shadow else None,
        )

    def with_predictions(self, predictions: list[Any]) -> Scored:
        """Return a copy with the predictions; the records that the model refused become dead letters.

        A record with several outputs is dead-lettered as a whole: it ends in its outputs or in a dead letter, never in
        both.
        """
        scored = self._replace(predictions=predictions)
        if not any(issubclass(kind, RecordError) for kind in set(map(type, predictions))):
            return scored
        pairs = zip(self.causes, predictions, strict=True)
        return scored.without({cause: given for cause, given in pairs if isinstance(given, RecordError)})

    def without(self, failed: Mapping[int, RecordError]) -> Scored:
        """Return a copy in which these records are dead letters; the shadow's predictions for them remain."""
        if not failed:
            return self
        others = self.take(lambda cause: cause not in failed)
        return others._replace(dead=in_order([self.dead, failed.items()]), shadow=self.shadow)
