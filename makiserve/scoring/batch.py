"""Records that are scored together, and their outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from makiserve.errors import DecodeError, RecordError
from makiserve.records import Record
from makiserve.scoring.post import Posted
from makiserve.stream.engine.stage import State


class Lane:
    """One ordered stream of records with its own state: a Kafka partition, or a replayed file.

    Attributes:
        states: the state of each program of the scorer, in the order of `Scorer.checkpoints`.
    """

    def __init__(self, states: list[State]) -> None:
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

    def decoded(self) -> tuple[Sequence[Any], list[int] | None, list[tuple[int, RecordError]]]:
        """Return the decoded records, their indexes (None if all were decoded), and the dead letters."""
        if DecodeError not in set(map(type, self.records)):
            return self.records, None, []
        dead: list[tuple[int, RecordError]] = []
        items: list[Any] = []
        indexes: list[int] = []
        for index, record in enumerate(self.records):
            if isinstance(record, DecodeError):
                dead.append((index, record))
            else:
                items.append(record)
                indexes.append(index)
        return items, indexes, dead


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
    features: list[Any]
    predictions: list[Any]
    dead: list[tuple[int, RecordError]]
    posted: Posted | None = None
    shadow: list[tuple[int, Any]] | None = None

    @property
    def published(self) -> int:
        """The number of outputs."""
        return len((self.posted or self).causes)

    def with_predictions(self, predictions: list[Any]) -> Scored:
        """Return a copy with the predictions; the records that the model refused become dead letters.

        A record with several outputs is dead-lettered as a whole: it ends in its outputs or in a dead letter, never in
        both.
        """
        pairs = zip(self.causes, predictions, strict=True)
        refused = {cause: prediction for cause, prediction in pairs if isinstance(prediction, RecordError)}
        return self._replace(predictions=predictions).without(refused)

    def without(self, failed: Mapping[int, RecordError]) -> Scored:
        """Return a copy in which these records are dead letters."""
        if not failed:
            return self
        kept = [index for index, cause in enumerate(self.causes) if cause not in failed]
        return self._replace(
            causes=[self.causes[index] for index in kept],
            features=[self.features[index] for index in kept],
            predictions=[self.predictions[index] for index in kept],
            dead=sorted([*self.dead, *failed.items()], key=lambda letter: letter[0]),
            posted=self.posted and self.posted.without(failed),
        )
