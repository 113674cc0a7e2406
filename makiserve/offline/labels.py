"""How far the record with the label of an output is ahead of the one that caused the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from makiserve.durations import duration_from_text
from makiserve.errors import ArgumentError, DecodeError
from makiserve.records import Record, Schema
from makiserve.records.order import Order, clock_of, microseconds
from makiserve.records.record_table import values_of
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
