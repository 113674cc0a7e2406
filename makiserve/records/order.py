"""The order of records by time, and a check that each lane is in this order."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from makiserve.errors import ArgumentError, DecodeError, SourceError
from makiserve.records.emitted_fields import attribute_of
from makiserve.records.record import Record, Schema
from makiserve.records.record_table import values_of
from makiserve.records.times import MICROSECOND

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
CLOCKS = {datetime, date, int, NoneType}


@dataclass(frozen=True)
class Order:
    """The order in which the records of a lane are processed. Fields have their name in the code or in the data.

    Attributes:
        time: the field with the event time.
        tie_by: the fields that decide between records of one lane with the same time, such as a sequence number.
        lane_by: the field whose values are the lanes; None if each source is a lane.
    """

    time: str
    tie_by: tuple[str, ...] = ()
    lane_by: str | None = None

    def keys(self, schema: Schema) -> tuple[str, ...]:
        """Return the attributes to sort by: time, lane, ties. Rows in any order are then always sorted the same way.

        Raises:
            ArgumentError: a field does not exist.
        """
        lane = [scalar_attribute(schema, self.lane_by, "lane_by")] if self.lane_by else []
        ties = [scalar_attribute(schema, name, "tie_by") for name in self.tie_by]
        return tuple(dict.fromkeys([scalar_attribute(schema, self.time, "time"), *lane, *ties]))


def order_from(time: str | None, tie_by: str | Sequence[str] = (), lane_by: str | None = None) -> Order | None:
    """Return the order by a field; None without one.

    Raises:
        ArgumentError: there is a `tie_by` without a `time`, or an argument is not the name of a field.
    """
    ties = (tie_by,) if isinstance(tie_by, str) or not isinstance(tie_by, Collection) else tuple(tie_by)
    for argument, name in (("time", time), ("lane_by", lane_by), *(("tie_by", name) for name in ties)):
        if not isinstance(name, str | None):
            raise ArgumentError(argument, name, "must be the name of a field")
    if time is None:
        if ties:
            raise ArgumentError("tie_by", tie_by, "needs time=, the field to sort by first")
        return None
    return Order(time, ties, lane_by)


class LaneOrder:
    """A check that the records of each lane are in order, and that no two of them are in the same place.

    Records that do not fit the schema are not checked. They become dead letters wherever they are.

    Args:
        order: the order.
        schema: of the records.
    """

    def __init__(self, order: Order, schema: Schema) -> None:
        self._lane = scalar_attribute(schema, order.lane_by, "lane_by") if order.lane_by else None
        self._names = tuple(name for name in order.keys(schema) if name != self._lane)
        self._has_ties = bool(order.tie_by)
        self._latest: dict[Hashable, tuple[Any, ...]] = {}

    def check(self, source: str, offsets: Sequence[int], records: Sequence[Record | DecodeError]) -> None:
        """Check the next records of a source.

        Raises:
            SourceError: a record is out of order, has the same place as the one before, or lacks a key.
        """
        columns = [values_of(records, name) for name in self._names]
        lanes = values_of(records, self._lane) if self._lane else [source] * len(records)
        for index, (offset, lane, *key) in enumerate(zip(offsets, lanes, *columns, strict=True)):
            if None in key or lane is None:
                record = records[index]
                if isinstance(record, DecodeError):
                    continue
                raise self._null(f"{source}@{offset}", record)
            latest, now = self._latest.get(lane), tuple(map(comparable, key))
            if latest is not None and not latest < now:
                raise self._wrong(f"{source}@{offset}", lane, latest, now)
            self._latest[lane] = now

    def _null(self, place: str, record: Record) -> SourceError:
        names = [name for name in (*self._names, self._lane) if name and getattr(record, name) is None]
        return SourceError(
            f"{place}: {names[0]} is null, so the record has no place in the order of its lane: leave such rows out"
        )

    def _wrong(self, place: str, lane: Any, latest: tuple[Any, ...], key: tuple[Any, ...]) -> SourceError:
        where = f"{place}{f', in the lane {lane!r}' if self._lane else ''}"
        names = ", ".join(self._names)
        if key < latest:
            return SourceError(
                f"{where}: {names} {_words(key)} comes after {_words(latest)}, but a lane must be sorted by {names}: "
                "sort the rows, or give them as a data frame, which is sorted when it is read"
            )
        advice = "add a field to tie_by= that differs" if self._has_ties else "give tie_by=, such as a sequence number"
        return SourceError(
            f"{where}: two records have the same {names}, {_words(key)}, so their order is not defined: {advice}"
        )


def scalar_attribute(schema: Schema, name: str, argument: str) -> str:
    """Return the attribute of a field whose values can be sorted and name a lane.

    Raises:
        ArgumentError: the record has no such field, or its values are lists or objects.
    """
    attribute = attribute_of(schema, name, argument)
    kind = next(field.type for field in schema.fields if field.name == attribute)
    for option in get_args(kind) if isinstance(kind, UnionType) or get_origin(kind) is Union else (kind,):
        base = get_origin(option) or option
        if isinstance(base, type) and issubclass(base, (list, tuple, set, frozenset, Mapping, msgspec.Struct)):
            raise ArgumentError(
                argument, name, "its values are lists or objects: name a field with texts, numbers or times"
            )
    return attribute


def comparable(value: Any) -> Any:
    """Return a time that can be compared with any other: a date as its midnight in UTC, a datetime with a zone."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return datetime(value.year, value.month, value.day, tzinfo=timezone.utc) if isinstance(value, date) else value


def microseconds(time: datetime | date | int) -> int:
    """Return a time in microseconds since 1970. An integer is in milliseconds, as in the event time of operators."""
    return time * 1000 if isinstance(time, int) else (comparable(time) - EPOCH) // MICROSECOND


def clock_of(order: Order | None, schema: Schema, argument: str, value: Any) -> str:
    """Return the attribute that an argument measures time by.

    Raises:
        ArgumentError: the records have no order by time, or its field is not a date, a datetime or an integer of
            milliseconds.
    """
    if order is None:
        raise ArgumentError(argument, value, "needs the field with the event time: time=, or --order-by")
    name = attribute_of(schema, order.time, "time")
    kind = next(field.type for field in schema.fields if field.name == name)
    if not {*(get_args(kind) or (kind,))} <= CLOCKS:
        raise ArgumentError(
            argument,
            value,
            f"needs an event time that is a date, a datetime or an integer of milliseconds; {name} is not",
        )
    return name


def _words(key: tuple[Any, ...]) -> str:
    return ", ".join(map(str, key))
