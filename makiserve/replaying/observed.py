"""What a replay saw, in columns: each prediction beside its label, where a record of the lane has one."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from makiserve.errors import DecodeError
from makiserve.replaying.sources import Block
from makiserve.scoring import Scored

Array = npt.NDArray[Any]
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Watched:
    """What to note of each prediction, as attributes of the record.

    Attributes:
        label: the true value; None where there is none.
        shift: the label is that of the record so many later in the lane than the one that caused the prediction.
        by: what to group the errors by, of the record that caused the prediction.
        time: the event time; None where no field is known to be one.
    """

    label: str | None = None
    shift: int = 0
    by: tuple[str, ...] = ()
    time: str | None = None


@dataclass(frozen=True)
class Observed:
    """One element for each prediction, lane by lane in order, all arrays parallel.

    Attributes:
        lane: its lane, a source or the value of a field.
        position: of the record that caused it, in its source.
        time: of that record, as it has it; None where it has none.
        prediction: what the model gave; two-dimensional where that is a list of numbers.
        label: the true value; None or nan where no record has it.
        last: the label that was known one record before the label's, at the latest at the record that caused the
            prediction; None or nan likewise.
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
        """bool[n]: which predictions have a label."""
        return ~missing(self.label)


def missing(values: Array) -> Array:
    """bool[n]: which values are None or not a number."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(len(values), bool)
    return np.fromiter((value is None or value != value for value in values), bool, len(values))


@dataclass
class _LaneSoFar:
    """The end of a lane, as far as predictions to come may need it.

    Attributes:
        count: records seen.
        known: for each of the last records, oldest first, the last label up to it that was not missing.
        waiting: predictions whose label is yet to come, each with the number of the record that has it.
    """

    count: int = 0
    known: list[Any] = field(default_factory=list)
    waiting: deque[tuple[int, Row]] = field(default_factory=deque)


class Observer:
    """Notes the predictions of any number of lanes, and the label of each when its record comes."""

    needs_records = True
    needs_features = False

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._lanes: dict[Hashable, _LaneSoFar] = {}
        self._chunks: list[list[Array]] = []

    def take(self, block: Block, scored: Scored) -> None:
        parts = _parts(block)
        numbers = {index: number for indexes in parts.values() for number, index in enumerate(indexes)}
        for cause, prediction in zip(scored.causes, scored.predictions, strict=True):
            so_far = self._lanes.setdefault(_lane(block, cause), _LaneSoFar())
            so_far.waiting.append(
                (so_far.count + numbers[cause] + self._watched.shift, self._row(block, cause, prediction))
            )
        for lane, indexes in parts.items():
            self._take_labels(self._lanes.setdefault(lane, _LaneSoFar()), [block.records[index] for index in indexes])

    def observed(self) -> Observed:
        """All of it. Predictions whose label has not come have none."""
        self._note([(*row, None, None) for so_far in self._lanes.values() for _, row in so_far.waiting])
        for so_far in self._lanes.values():
            so_far.waiting.clear()
        names = self._watched.by
        columns = [_joined(parts) for parts in zip(*self._chunks, strict=True)]
        lane, position, time, prediction, *by, label, last = columns or [np.empty(0)] * (6 + len(names))
        return Observed(lane, position, time, prediction, label, last, dict(zip(names, by, strict=True)))

    def _row(self, block: Block, cause: int, prediction: Any) -> Row:
        record, watched = block.records[cause], self._watched
        time = getattr(record, watched.time) if watched.time else None
        by = [getattr(record, name) for name in watched.by]
        return (_lane(block, cause), block.offsets[cause], time, prediction, *by)

    def _take_labels(self, so_far: _LaneSoFar, records: Sequence[Any]) -> None:
        labels, shift = _labels(records, self._watched.label), self._watched.shift
        known = _known(labels, so_far.known)
        self._note(_completed(so_far, labels, known, shift))
        so_far.known = known[-max(shift, 1) :]

    def _note(self, rows: list[Row]) -> None:
        if rows:
            self._chunks.append([_array(values) for values in zip(*rows, strict=True)])


def _lane(block: Block, index: int) -> Hashable:
    return block.lanes[index] if block.lanes else block.source


def _parts(block: Block) -> dict[Hashable, Sequence[int]]:
    """The records of each lane, by index."""
    if not block.lanes:
        return {block.source: range(len(block.records))}
    parts: dict[Hashable, list[int]] = {}
    for index, lane in enumerate(block.lanes):
        parts.setdefault(lane, []).append(index)
    return {**parts}


def _labels(records: Sequence[Any], label: str | None) -> list[Any]:
    if label is None:
        return [None] * len(records)
    return [None if isinstance(record, DecodeError) else getattr(record, label) for record in records]


def _known(labels: Iterable[Any], before: list[Any]) -> list[Any]:
    """The labels with each missing one replaced by the one before, after those that are kept from before."""
    known, latest = list(before), before[-1] if before else None
    for value in labels:
        latest = latest if value is None else value
        known.append(latest)
    return known


def _completed(so_far: _LaneSoFar, labels: list[Any], known: list[Any], shift: int) -> list[Row]:
    """The rows whose label has come, with it and with the one that was known before; counts the records."""
    start = so_far.count
    so_far.count += len(labels)
    first = so_far.count - len(known)
    rows = []
    while so_far.waiting and so_far.waiting[0][0] < so_far.count:
        target, row = so_far.waiting.popleft()
        before = target - max(shift, 1) - first
        rows.append((*row, labels[target - start], known[before] if before >= 0 else None))
    return rows


def _array(values: Sequence[Any]) -> Array:
    """An array of numbers where they all are numbers, of rows of numbers where they are lists or dicts of them."""
    kinds = set(map(type, values))
    if kinds <= {float, int, type(None)} and float in kinds:
        return np.array(values, np.float64)
    if len(kinds) == 1 and kinds <= {int, bool}:
        return np.array(values)
    if kinds == {list} and len(set(map(len, values))) == 1:
        return np.array(values)
    if kinds == {dict} and len({tuple(value) for value in values}) == 1:  # probabilities by class, in their order
        return np.array([list(value.values()) for value in values])
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _joined(parts: Sequence[Array]) -> Array:
    if len({part.dtype.kind for part in parts}) == 1 or all(part.dtype.kind in "if" for part in parts):
        return np.concatenate(parts)
    return np.concatenate([part.astype(object) for part in parts])
