"""Records that are scored together, and what becomes of them."""

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
    """Records of one lane, in order; a `DecodeError` stands in the place of one that could not be decoded.

    Attributes:
        challenged: for each record whether the challenger scores it, as `Scorer.challenged` tells; None where all are
            the champion's.
    """

    lane: Lane
    records: Sequence[Record | DecodeError]
    challenged: Sequence[bool] | None = None

    def decoded(self) -> tuple[Sequence[Any], list[int] | None, list[tuple[int, RecordError]]]:
        """The records proper, their indexes where they are not all, and the dead letters."""
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
    """What a batch became: parallel lists, one element for each output, and the dead letters.

    Attributes:
        causes: the index in the batch of the record that caused the output; never decreasing.
        features: what the pipeline emitted.
        predictions: what the model made of it; None without a model.
        dead: index and error of each record that became a dead letter, in order.
        posted: what the post pipeline emitted: it is published in the place of the predictions. None without one.
        shadow: cause and prediction, or the error in its place, of the model that only watches; None without one.
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
        """The predictions beside their features, and the records that the model refused among the dead letters.

        A record of several outputs is dead-lettered as a whole: it ends in its outputs or in a dead letter, never in
        both.
        """
        pairs = zip(self.causes, predictions, strict=True)
        refused = {cause: prediction for cause, prediction in pairs if isinstance(prediction, RecordError)}
        return self._replace(predictions=predictions).without(refused)

    def without(self, failed: Mapping[int, RecordError]) -> Scored:
        """The same with these records among the dead letters."""
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
