"""The predictions of a replay in columns, each with its label if a record of the lane has one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from makiserve.offline.labels import BEGINNING, SAME_RECORD, Ahead
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


@dataclass
class _LaneSoFar:
    """The end of a lane, as far as later predictions may need it.

    Attributes:
        count: records seen.
        position: of the last record, as in `Ahead`.
        known: the last label that was not missing.
        waiting: predictions that wait for their label, each with the position of the record that has it.
    """

    count: int = 0
    position: int = BEGINNING
    known: Any = None
    waiting: deque[tuple[int, Row]] = field(default_factory=deque)


class Observer:
    """Collects the predictions of any number of lanes, and the label of each when its record arrives."""

    needs_records = True
    needs_features = False

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._lanes: dict[Hashable, _LaneSoFar] = {}
        self._chunks: list[list[Array]] = []

    def take(self, block: Block, scored: Scored) -> None:
        for part in _parts(block, scored):
            self._take(part, self._lanes.setdefault(part.lane, _LaneSoFar()))

    def observed(self) -> Observed:
        """Return all predictions. Those whose label has not arrived have none."""
        self._note([(*row[:-1], None, None) for so_far in self._lanes.values() for _, row in so_far.waiting])
        for so_far in self._lanes.values():
            so_far.waiting.clear()
        names = self._watched.by
        columns = [_joined(parts) for parts in zip(*self._chunks, strict=True)]
        lane, position, time, prediction, *by, last, label = columns or [np.empty(0)] * (6 + len(names))
        return Observed(lane, position, time, prediction, label, last, dict(zip(names, by, strict=True)))

    def _take(self, part: _Part, so_far: _LaneSoFar) -> None:
        ahead, labels = self._watched.ahead, _labels(part.records, self._watched.label)
        known = _known(labels, so_far.known)
        positions = ahead.positions(part.records, so_far.count, so_far.position)
        self._note(_completed(so_far, labels, positions))
        latest = known[1:] if ahead.distance else known
        columns = [*self._columns(part), [latest[number] for number in part.numbers]]
        targets = [positions[number] + ahead.distance for number in part.numbers]
        ready = bisect_right(targets, positions[-1])
        if ready:
            arrived = [labels[bisect_left(positions, target)] for target in targets[:ready]]
            self._chunks.append([_array(values) for values in (*(column[:ready] for column in columns), arrived)])
        so_far.waiting.extend(
            zip(targets[ready:], zip(*(column[ready:] for column in columns), strict=True), strict=True)
        )
        so_far.count, so_far.position, so_far.known = so_far.count + len(labels), positions[-1], known[-1]

    def _columns(self, part: _Part) -> list[Sequence[Any]]:
        """Return the columns of the outputs that are known before their label."""
        watched, records = self._watched, records_at(part.records, part.numbers)
        times = values_of(records, watched.time) if watched.time else [None] * len(records)
        by = (values_of(records, name) for name in watched.by)
        return [[part.lane] * len(records), part.offsets, times, part.predictions, *by]

    def _note(self, rows: list[Row]) -> None:
        if rows:
            self._chunks.append([_array(values) for values in zip(*rows, strict=True)])


class _Part(NamedTuple):
    """The records and outputs of one lane in a block. `numbers` are indexes in `records`, one for each output."""

    lane: Hashable
    records: Sequence[Any]
    numbers: Sequence[int]
    offsets: Sequence[int]
    predictions: Sequence[Any]


def _parts(block: Block, scored: Scored) -> Iterator[_Part]:
    causes, predictions = scored.causes, scored.predictions
    if not block.lanes:
        yield _Part(block.source, block.records, causes, [block.offsets[cause] for cause in causes], predictions)
        return
    indexes: dict[Hashable, list[int]] = {}
    for index, lane in enumerate(block.lanes):
        indexes.setdefault(lane, []).append(index)
    numbers = {index: number for positions in indexes.values() for number, index in enumerate(positions)}
    outputs: dict[Hashable, list[tuple[int, int, Any]]] = {lane: [] for lane in indexes}
    for cause, prediction in zip(causes, predictions, strict=True):
        outputs[block.lanes[cause]].append((numbers[cause], block.offsets[cause], prediction))
    for lane, lane_indexes in indexes.items():
        columns = zip(*outputs[lane], strict=True) if outputs[lane] else ((), (), ())
        yield _Part(lane, records_at(block.records, lane_indexes), *map(list, columns))


def _labels(records: Sequence[Any], label: str | None) -> list[Any]:
    return [None] * len(records) if label is None else values_of(records, label)


def _known(labels: Iterable[Any], before: Any) -> list[Any]:
    """Return the label that is known before each record, and after the last one: one element more than labels."""
    known = [before]
    for value in labels:
        known.append(known[-1] if value is None else value)
    return known


def _completed(so_far: _LaneSoFar, labels: list[Any], positions: Sequence[int]) -> list[Row]:
    """Return the rows whose label has arrived, with that label."""
    rows = []
    while so_far.waiting and so_far.waiting[0][0] <= positions[-1]:
        target, row = so_far.waiting.popleft()
        rows.append((*row, labels[bisect_left(positions, target)]))
    return rows


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
