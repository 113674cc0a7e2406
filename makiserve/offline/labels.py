"""Labels that become known later: the true value for an output, from a later record of its lane."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from makiserve.durations import duration_from_text
from makiserve.errors import ArgumentError, DecodeError
from makiserve.offline.sources import Block
from makiserve.records import Record, Schema
from makiserve.records.order import Order, clock_of, microseconds
from makiserve.records.record_table import records_at, values_of
from makiserve.records.times import MICROSECOND

BEGINNING = -(1 << 63)
"""The position of a record without a time at the beginning of a lane."""

LabelAhead = int | timedelta | str
"""A number of records, or a duration: a timedelta or a text such as `1h`."""


@dataclass(frozen=True)
class Ahead:
    """How far the record with the label is ahead of the one that caused the output, in the same lane.

    Attributes:
        distance: in records; in microseconds if there is a time. The label is that of the first record that is at least
            this far ahead.
        time: the attribute with the event time; None to count records.
    """

    distance: int = 0
    time: str | None = None

    def positions(self, records: Sequence[Record | DecodeError], count: int, latest: int) -> Sequence[int]:
        """Return the positions of the next records of a lane, ascending, in the unit of the distance.

        Args:
            records: of the lane. One that does not fit its schema has the position of the record before it.
            count: the number of records before them.
            latest: the position of the record before them.
        """
        if self.time is None:
            return range(count, count + len(records))
        positions = []
        for time in values_of(records, self.time):
            latest = latest if time is None else microseconds(time)
            positions.append(latest)
        return positions


SAME_RECORD = Ahead()


def ahead_from(given: LabelAhead, label: str | None, order: Order | None, schema: Schema) -> Ahead:
    """Return how far ahead a label is.

    Raises:
        ArgumentError: it is negative, not a number or duration, a duration without a time to measure it by, or there is
            no label.
    """
    if isinstance(given, bool) or not isinstance(given, (int, str, timedelta)):
        raise ArgumentError("label_ahead", given, "must be a number of records, 0 or more, or a duration")
    try:
        distance = _number_or_duration(given)
    except ValueError as error:
        raise ArgumentError("label_ahead", given, f"must be a number of records or a duration: {error}") from error
    if isinstance(distance, int):
        if distance < 0:
            raise ArgumentError("label_ahead", given, "must be a number of records, 0 or more, or a duration")
        if distance and label is None:
            raise ArgumentError("label_ahead", given, "needs label=, the field with the true value")
        return Ahead(distance)
    if label is None:
        raise ArgumentError("label_ahead", given, "needs label=, the field with the true value")
    if distance <= timedelta(0):
        raise ArgumentError("label_ahead", given, "must be a duration of more than 0, or a number of records")
    return Ahead(distance // MICROSECOND, clock_of(order, schema, "label_ahead", given))


def _number_or_duration(given: LabelAhead) -> int | timedelta:
    if not isinstance(given, str):
        return given
    try:
        return int(given)
    except ValueError:
        return duration_from_text(given)


class LabelColumn:
    """The labels of the outputs of a replay.

    Args:
        label: the attribute of the record with the true value.
        ahead: how far the record with the label is ahead.
    """

    def __init__(self, label: str, ahead: Ahead) -> None:
        self._label = label
        self._ahead = ahead
        self._labels: dict[Hashable, list[Any]] = {}
        self._positions: dict[Hashable, list[int]] = {}
        self._targets: list[tuple[Hashable, int]] = []

    def take(self, block: Block, causes: Sequence[int]) -> None:
        """Keep the label of every record of a block, and the position that each output takes its label from."""
        places: dict[int, tuple[Hashable, int]] = {}
        wanted = frozenset(causes)
        for lane, indexes in _by_lane(block).items():
            records = block.records if len(indexes) == len(block.records) else records_at(block.records, indexes)
            labels, positions = self._labels.setdefault(lane, []), self._positions.setdefault(lane, [])
            added = self._ahead.positions(records, len(labels), positions[-1] if positions else BEGINNING)
            labels += values_of(records, self._label)
            positions += added
            pairs = zip(indexes, added, strict=True)
            places |= {index: (lane, position + self._ahead.distance) for index, position in pairs if index in wanted}
        self._targets += [places[cause] for cause in causes]

    def values(self) -> list[Any]:
        """Return the label of each output; None if no record of its lane is far enough ahead."""
        return [self._value(lane, target) for lane, target in self._targets]

    def _value(self, lane: Hashable, target: int) -> Any:
        index = bisect_left(self._positions[lane], target)
        return self._labels[lane][index] if index < len(self._labels[lane]) else None


def _by_lane(block: Block) -> Mapping[Hashable, Sequence[int]]:
    """Return the indexes of the records of each lane."""
    if not block.lanes:
        return {block.source: range(len(block.records))}
    indexes: dict[Hashable, list[int]] = {}
    for index, lane in enumerate(block.lanes):
        indexes.setdefault(lane, []).append(index)
    return indexes
