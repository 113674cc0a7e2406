"""The predictions of a replay in columns, each with its label if a record of the lane has one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from makiserve.offline.labels import SAME_RECORD, Ahead
from makiserve.offline.lane_labels import LanePart, LaneSoFar, lane_parts
from makiserve.offline.sources import Block
from makiserve.records.record_table import records_at, values_of
from makiserve.scoring import Scored

Array = npt.NDArray[Any]
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Watched:
    """The attributes of the record that are kept with each prediction.

    Attributes:
        label: the true value; None without a label.
        ahead: how far the record with the label is ahead of the one that caused the prediction.
        by: the attributes to group the errors by, of the record that caused the prediction.
        time: the event time; None if no field is known to be one.
    """

    label: str | None = None
    ahead: Ahead = SAME_RECORD
    by: tuple[str, ...] = ()
    time: str | None = None


@dataclass(frozen=True)
class Observed:
    """One element for each prediction, lane by lane in order, all arrays parallel.

    Attributes:
        lane: its lane, a source or the value of a field.
        position: of the record that caused it, in its source.
        time: of that record, unchanged; None if it has none.
        prediction: the output of the model; two-dimensional if that is a list of numbers.
        label: the true value; None or nan if no record has it.
        last: the label that was known at the record that caused the prediction, or one record before it if that one
            has the label; None or nan if none was known.
        by: the grouping fields by name.
    """

    lane: Array
    position: Array
    time: Array
    prediction: Array
    label: Array
    last: Array
    by: dict[str, Array]

    @property
    def labelled(self) -> Array:
        """A mask of the predictions that have a label, bool[n]."""
        return ~missing(self.label)


def missing(values: Array) -> Array:
    """Return a mask of the values that are None or nan, bool[n]."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(len(values), bool)
    return np.fromiter((value is None or value != value for value in values), bool, len(values))


class Observer:
    """Collects the predictions of any number of lanes, and the label of each when its record arrives."""

    needs_records = True
    needs_features = False

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._lanes: dict[Hashable, LaneSoFar] = {}
        self._chunks: list[list[Array]] = []

    def take(self, block: Block, scored: Scored) -> None:
        for part in lane_parts(block, scored.causes):
            self._take(part, block, scored)

    def observed(self) -> Observed:
        """Return all predictions. Those whose label has not arrived have none."""
        self._note([(*row[:-1], None, None) for so_far in self._lanes.values() for _, row in so_far.waiting])
        for so_far in self._lanes.values():
            so_far.waiting.clear()
        names = self._watched.by
        columns = [_joined(parts) for parts in zip(*self._chunks, strict=True)]
        lane, position, time, prediction, *by, last, label = columns or [np.empty(0)] * (6 + len(names))
        return Observed(lane, position, time, prediction, label, last, dict(zip(names, by, strict=True)))

    def _take(self, part: LanePart, block: Block, scored: Scored) -> None:
        watched, ahead = self._watched, self._watched.ahead
        so_far = self._lanes.setdefault(part.lane, LaneSoFar())
        labels = so_far.take(part.records, watched.label, ahead)
        self._note([(*row, label) for row, label in so_far.arrived(labels)])
        until = part.causes if ahead.distance else [cause - 1 for cause in part.causes]
        *known, so_far.known = labels.latest([*until, len(part.records) - 1], so_far.known)
        columns = [*self._columns(part, block, scored), known]
        targets, ready = so_far.targets(labels, part.causes, ahead)
        if ready:
            arrived = labels.at(targets[:ready])
            self._chunks.append([_array(values) for values in (*(column[:ready] for column in columns), arrived)])
        so_far.waiting.extend(
            zip(targets[ready:], zip(*(column[ready:] for column in columns), strict=True), strict=True)
        )

    def _columns(self, part: LanePart, block: Block, scored: Scored) -> list[Sequence[Any]]:
        """Return the columns of the outputs that are known before their label."""
        watched, records = self._watched, records_at(part.records, part.causes)
        offsets = [block.offsets[scored.causes[output]] for output in part.outputs]
        times = values_of(records, watched.time) if watched.time else [None] * len(records)
        predictions = [scored.predictions[output] for output in part.outputs]
        by = (values_of(records, name) for name in watched.by)
        return [[part.lane] * len(records), offsets, times, predictions, *by]

    def _note(self, rows: list[Row]) -> None:
        if rows:
            self._chunks.append([_array(values) for values in zip(*rows, strict=True)])


def _array(values: Sequence[Any]) -> Array:
    """Return an array: numeric for numbers, two-dimensional for lists of one length or dicts with the same keys."""
    kinds = set(map(type, values))
    if kinds <= {float, int, type(None)} and float in kinds:
        return np.array(values, np.float64)
    if len(kinds) == 1 and kinds <= {int, bool}:
        return np.array(values)
    if kinds == {list} and len(set(map(len, values))) == 1:
        return np.array(values)
    if kinds == {dict} and len({tuple(value) for value in values}) == 1:  # probabilities by class, in their order
        return np.array([list(value.values()) for value in values])
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _joined(parts: Sequence[Array]) -> Array:
    if len({part.dtype.kind for part in parts}) == 1 or all(part.dtype.kind in "if" for part in parts):
        return np.concatenate(parts)
    return np.concatenate([part.astype(object) for part in parts])
