"""Parts and methods of datetimes, dates and durations, with Python's results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Mask
from makiserve.stream.columns.expressions.arithmetic import as_int, binary
from makiserve.stream.columns.expressions.field_access import class_of
from makiserve.stream.columns.expressions.node_values import (
    EXACT,
    RecordColumns,
    Unsuited,
    Value,
    Values,
    called,
    constant,
    durations_of,
    either,
    integers,
    some,
    unusable,
)
from makiserve.stream.columns.expressions.time_values import (
    CLASSES,
    DAY_US,
    EPOCH_ORDINAL,
    Dates,
    Datetimes,
    Durations,
    IsoCalendarDate,
    TimeValue,
)

_UNITS: dict[str, tuple[int, int]] = {
    "hour": (3_600_000_000, 24),
    "minute": (60_000_000, 60),
    "second": (1_000_000, 60),
    "microsecond": (1, 1_000_000),
}
"""The microseconds of a unit, and how many units there are in the next greater one."""
_AMOUNTS = (DAY_US, 1_000_000, 1, 1_000, 60_000_000, 3_600_000_000, 7 * DAY_US)
"""The microseconds of each argument of `timedelta`, in order."""
_LENGTHS = {"days": (DAY_US, None), "seconds": (1_000_000, 86_400), "microseconds": (1, 1_000_000)}


def part(value: TimeValue, name: str) -> Value:
    """Return an attribute of each value.

    Raises:
        Unsuited: it has no column form.
    """
    bad = unusable(value)
    if isinstance(value, Durations) and name in _LENGTHS:
        unit, count = _LENGTHS[name]
        lengths = value.ticks // unit
        return integers(lengths, bad=bad) if count is None else integers(lengths % count, 0, count - 1, bad=bad)
    if isinstance(value, Datetimes) and name in _UNITS:
        unit, count = _UNITS[name]
        return integers(value.ticks // unit % count, 0, count - 1, bad=bad)
    if isinstance(value, Datetimes) and name == "tzinfo":
        return Value("O", np.full(len(value.ticks), value.zone, object), None, bad)
    if isinstance(value, Datetimes | Dates) and name in ("year", "month", "day"):
        return integers(_calendar(name, _days(value)), 1, 9999, bad=bad)
    raise Unsuited(f"{name} of a time")


def _days(value: Datetimes | Dates) -> Array:
    return value.ticks if isinstance(value, Dates) else value.ticks // DAY_US


def _calendar(name: str, days: Array) -> Array:
    months = days.view("datetime64[D]").astype("datetime64[M]").view(np.int64)
    if name == "day":
        return days - _first_days(months) + 1
    return months // 12 + 1970 if name == "year" else months % 12 + 1


def _first_days(months: Array) -> Array:
    """Return the first day of each month, in days since 1970."""
    return months.view("datetime64[M]").astype("datetime64[D]").view(np.int64)


def method(parameter: Any, operands: Sequence[Values], active: Mask | None, size: int) -> Values:
    """Return what a method returns for each value.

    Raises:
        Unsuited: the values are neither datetimes, dates, times of day nor durations.
    """
    (name, keywords), (value, *arguments) = parameter, operands
    if isinstance(value, TimeValue):
        computed = _IN_COLUMNS.get((type(value), name))
        if computed is not None and not arguments and not keywords:
            result = computed(value)
            if result is not None:
                return result
        cls: type[Any] | None = CLASSES[type(value)]
    else:
        cls = None if isinstance(value, RecordColumns) else class_of(value)
    if cls not in (datetime, date, time, timedelta) or not hasattr(cls, name):
        raise Unsuited(f"{name} is not a method of a time")
    function = getattr(cls, name)
    return called(partial(function, **dict(keywords)) if keywords else function, operands, active, size)


def _weekday(first: int, value: Datetimes | Dates) -> Value:
    """Return the day of the week, if Monday is `first`; 1970 began with a Thursday."""
    return integers((_days(value) + 3) % 7 + first, first, first + 6, bad=unusable(value))


def _ordinal(value: Datetimes | Dates) -> Value:
    return integers(_days(value) + EPOCH_ORDINAL, 1, date.max.toordinal(), bad=unusable(value))


def _seconds(value: Datetimes | Durations) -> Value:
    """Return seconds: Python rounds the quotient of integers once."""
    inexact = some((value.ticks > EXACT) | (value.ticks < -EXACT))
    return Value("f", value.ticks / 1e6, None, either(inexact, unusable(value)))


def _timestamp(value: Datetimes) -> Value | None:
    return None if value.zone is None else _seconds(value)  # one without a zone is in local time


def _iso_calendar(value: Datetimes | Dates) -> RecordColumns:
    """Return the year, week and day of the week; the Thursday of a week is in its year."""
    days, bad = _days(value), unusable(value)
    thursdays = days - (days + 3) % 7 + 3
    years = _calendar("year", thursdays)
    weeks = (thursdays - _first_days((years - 1970) * 12)) // 7 + 1
    parts = (integers(years, 1, 9999, bad=bad), integers(weeks, 1, 53, bad=bad), _weekday(1, value))
    return RecordColumns(IsoCalendarDate, ("year", "week", "weekday"), parts, bad)


_IN_COLUMNS: dict[tuple[type[Any], str], Callable[[Any], Values | None]] = {
    **{(form, "weekday"): partial(_weekday, 0) for form in (Datetimes, Dates)},
    **{(form, "isoweekday"): partial(_weekday, 1) for form in (Datetimes, Dates)},
    **{(form, "toordinal"): _ordinal for form in (Datetimes, Dates)},
    **{(form, "isocalendar"): _iso_calendar for form in (Datetimes, Dates)},
    (Datetimes, "date"): lambda value: Dates(_days(value), unusable(value)),
    (Datetimes, "timestamp"): _timestamp,
    (Durations, "total_seconds"): _seconds,
}


def build_dates(operands: Sequence[Value], active: Mask | None, size: int) -> Values:
    """Return `date(year, month, day)`, which is unknown for a day that does not exist."""
    if any(operand.kind not in "ib" for operand in operands):
        return called(date, operands, active, size)
    years, months, days = (np.broadcast_to(as_int(operand).values, size) for operand in operands)
    valid = (years >= 1) & (years <= 9999) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    months = np.where(valid, (years - 1970) * 12 + months - 1, 0)
    first = _first_days(months)
    valid &= days <= _first_days(months + 1) - first
    return Dates(np.where(valid, first + days - 1, 0), either(some(~valid), unusable(*operands)))


def build_durations(amounts: Sequence[Value], active: Mask | None, size: int) -> Values:
    """Return `timedelta(*amounts)`."""
    total = integers(np.zeros(size, np.int64), 0, 0)
    for amount, unit in zip(amounts, _AMOUNTS, strict=True):
        if amount.kind not in "ib":
            return called(timedelta, amounts, active, size)  # it rounds floats
        if not (amount.is_constant and amount.values == 0):
            total = binary("add", total, binary("mul", amount, constant(unit), active, size), active, size)
    durations = durations_of(total)
    return called(timedelta, amounts, active, size) if durations is None else durations


def truth(value: TimeValue) -> Value:
    """Return `bool` of values: that of a duration is false if it is 0, that of None always."""
    if isinstance(value, Durations):
        return Value("b", value.ticks != 0, None, value.bad)
    return Value("b", np.ones(len(value.ticks), np.bool_) if value.missing is None else ~value.missing, None, value.bad)


def is_none(value: TimeValue) -> Value:
    """Return which values are None."""
    return Value("b", False if value.missing is None else value.missing, None, value.bad)


def is_instance(value: TimeValue, classes: tuple[type, ...], size: int) -> Value:
    """Return `isinstance` of values."""
    answer = np.full(size, issubclass(CLASSES[type(value)], classes))
    if value.missing is not None:
        answer[value.missing] = issubclass(type(None), classes)
    return Value("b", answer, None, value.bad)
