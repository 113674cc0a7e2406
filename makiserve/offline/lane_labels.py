"""The labels of outputs, some of which arrive with a later record of the lane."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from makiserve.errors import DecodeError
from makiserve.offline.labels import BEGINNING, Ahead
from makiserve.offline.sources import Block
from makiserve.records import Record
from makiserve.records.record_table import column_of, objects, records_at


class NextLabels:
    """The labels of the next records of a lane. Only those that are asked for become Python objects.

    Args:
        records: the records, at least one. One that does not fit its schema has no label.
        label: the attribute with the true value; None if there is none.
        positions: of the records, as in `Ahead`.
    """

    def __init__(self, records: Sequence[Record | DecodeError], label: str | None, positions: Sequence[int]) -> None:
        self._column = objects([None] * len(records), len(records)) if label is None else column_of(records, label)
        self.positions = positions

    def at(self, targets: Sequence[int]) -> list[Any]:
        """Return the label of the first record at or after each target, none of which is after the last record."""
        places, first = self.positions, self.positions[0]
        if isinstance(places, range):
            return self._column.take([target - first for target in targets]).listed()
        return self._column.take([bisect_left(places, target) for target in targets]).listed()

    def latest(self, numbers: Sequence[int], before: Any) -> list[Any]:
        """Return the last label that is not None up to each of these records; `before` if there is none.

        Args:
            numbers: indexes of the records; -1 for the end of the previous ones.
            before: the last label of the previous records.
        """
        at, absent = np.asarray(numbers, np.int64), self._column.absent_mask()
        if absent is not None:
            last = np.maximum.accumulate(np.where(absent, -1, np.arange(len(absent))))
            at = np.where(at < 0, -1, last[at])
        labels = self._column.take(at).listed()
        for index in np.flatnonzero(at < 0).tolist():
            labels[index] = before
        return labels


@dataclass
class LaneSoFar:
    """The end of a lane, as far as the labels of later records and outputs need it.

    Attributes:
        count: records seen.
        position: of the last record, as in `Ahead`.
        known: the last label that is not None.
        waiting: outputs that wait for their label, each with the position of the record that has it.
    """

    count: int = 0
    position: int = BEGINNING
    known: Any = None
    waiting: deque[tuple[int, Any]] = field(default_factory=deque)

    def take(self, records: Sequence[Record | DecodeError], label: str | None, ahead: Ahead) -> NextLabels:
        """Return the labels of the next records, at least one."""
        labels = NextLabels(records, label, ahead.positions(records, self.count, self.position))
        self.count, self.position = self.count + len(records), labels.positions[-1]
        return labels

    def targets(self, labels: NextLabels, causes: Sequence[int], ahead: Ahead) -> tuple[list[int], int]:
        """Return the position of the label of each output, and how many of these labels have arrived.

        Args:
            labels: what `take` has returned.
            causes: for each output the index of the record that caused it, ascending.
            ahead: how far the labels are ahead.
        """
        targets = [labels.positions[cause] + ahead.distance for cause in causes]
        return targets, bisect_right(targets, self.position)

    def arrived(self, labels: NextLabels) -> list[tuple[Any, Any]]:
        """Return the outputs that waited for a label that has arrived, with that label."""
        if not self.waiting:
            return []
        targets, outputs = list[int](), list[Any]()
        while self.waiting and self.waiting[0][0] <= self.position:
            target, output = self.waiting.popleft()
            targets.append(target)
            outputs.append(output)
        return list(zip(outputs, labels.at(targets), strict=True))


class LanePart(NamedTuple):
    """The records of one lane in a block, with the outputs that they caused.

    Attributes:
        lane: a source, or the value of a field.
        records: of the lane.
        outputs: the indexes of their outputs in the block.
        causes: for each of these outputs the index in `records` of the one that caused it.
    """

    lane: Hashable
    records: Sequence[Record | DecodeError]
    outputs: Sequence[int]
    causes: Sequence[int]


def lane_parts(block: Block, causes: Sequence[int]) -> Iterator[LanePart]:
    """Yield the part of each lane; `causes` are the indexes of the records that caused the outputs of the block."""
    if not block.lanes:
        yield LanePart(block.source, block.records, range(len(causes)), causes)
        return
    indexes: dict[Hashable, list[int]] = {}
    for index, lane in enumerate(block.lanes):
        indexes.setdefault(lane, []).append(index)
    numbers = {index: number for records in indexes.values() for number, index in enumerate(records)}
    outputs: dict[Hashable, list[int]] = {lane: [] for lane in indexes}
    for output, cause in enumerate(causes):
        outputs[block.lanes[cause]].append(output)
    for lane, records in indexes.items():
        own = outputs[lane]
        yield LanePart(lane, records_at(block.records, records), own, [numbers[causes[output]] for output in own])


class LabelColumn:
    """The labels of the outputs of a replay.

    Args:
        label: the attribute of the record with the true value.
        ahead: how far the record with the label is ahead.
    """

    def __init__(self, label: str, ahead: Ahead) -> None:
        self._label = label
        self._ahead = ahead
        self._lanes: dict[Hashable, LaneSoFar] = {}
        self._labels: list[Any] = []

    def take(self, block: Block, causes: Sequence[int]) -> None:
        """Keep the label of each output of a block, if its record is there."""
        first = len(self._labels)
        self._labels += [None] * len(causes)
        for part in lane_parts(block, causes):
            so_far = self._lanes.setdefault(part.lane, LaneSoFar())
            labels = so_far.take(part.records, self._label, self._ahead)
            for output, label in so_far.arrived(labels):
                self._labels[output] = label
            targets, ready = so_far.targets(labels, part.causes, self._ahead)
            outputs = [first + output for output in part.outputs]
            for output, label in zip(outputs, labels.at(targets[:ready]), strict=False):
                self._labels[output] = label
            so_far.waiting.extend(zip(targets[ready:], outputs[ready:], strict=True))

    def values(self) -> list[Any]:
        """Return the label of each output; None if no record of its lane is far enough ahead."""
        return self._labels.copy()
