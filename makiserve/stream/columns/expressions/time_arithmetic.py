"""Arithmetic and comparisons of datetimes, dates and durations, with Python's results."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Mask
from makiserve.stream.columns.expressions import arithmetic
from makiserve.stream.columns.expressions.node_values import (
    GREATEST,
    LEAST,
    RecordColumns,
    Value,
    Values,
    durations_of,
    either,
    integers,
    unusable,
)
from makiserve.stream.columns.expressions.time_values import (
    CLASSES,
    DAY_US,
    FORMS,
    GREATEST_DAY,
    GREATEST_US,
    LEAST_DAY,
    LEAST_US,
    Dates,
    Datetimes,
    Durations,
    TimeValue,
    ticks_of,
    within,
)
from makiserve.stream.columns.time_column import TimeColumn

_COMPARED: dict[str, Callable[..., Any]] = {name: getattr(operator, name) for name in arithmetic.COMPARISONS}


@dataclass(frozen=True, slots=True)
class _Operand:
    """A column or a constant.

    Attributes:
        cls: datetime, date, timedelta, or int.
        number: the integers.
        zone: the zone of datetimes.
        times: the column of datetimes; None for other columns and constants.
    """

    cls: type
    number: Value
    zone: tzinfo | None = None
    times: TimeColumn | None = None


def binary(operation: str, left: Values, right: Values, active: Mask | None, size: int) -> Values | None:
    """Compute an arithmetic operation; None if its operands have no column form."""
    first, second = _operand(left), _operand(right)
    if first is None or second is None:
        return None
    classes = (first.cls, second.cls)
    if operation == "add" and first.cls is timedelta and second.cls is not timedelta:
        first, second = second, first
        classes = (first.cls, second.cls)
    if operation in ("add", "sub") and second.cls is timedelta and first.cls in (datetime, date):
        return _moved(operation, first, second)
    if operation == "sub" and classes in ((datetime, datetime), (date, date)):
        if first.zone is not second.zone:
            return None
        scale = DAY_US if first.cls is date else 1
        ticks = (first.number.values - second.number.values) * scale
        return Durations(ticks, unusable(first.number, second.number))
    if classes not in _RESULTS.get(operation, {}):
        return None
    result = arithmetic.binary(operation, first.number, second.number, active, size)
    return durations_of(result) if _RESULTS[operation][classes] is timedelta else result


_RESULTS: dict[str, dict[tuple[type, type], type]] = {
    "add": {(timedelta, timedelta): timedelta},
    "sub": {(timedelta, timedelta): timedelta},
    "mul": {(timedelta, int): timedelta, (int, timedelta): timedelta},
    "truediv": {(timedelta, timedelta): float},
    "floordiv": {(timedelta, timedelta): int, (timedelta, int): timedelta},
    "mod": {(timedelta, timedelta): timedelta},
}
"""The types of results that are computed with the microseconds of durations."""


def unary(operation: str, operand: Values, active: Mask | None, size: int) -> Values | None:
    """Compute an operation on one value; None if it has no column form."""
    if not isinstance(operand, Durations) or operation == "invert":
        return None
    return durations_of(arithmetic.unary(operation, integers(operand.ticks, bad=operand.bad), active, size))


def compare(operation: str, left: Values, right: Values, active: Mask | None, size: int) -> Values | None:
    """Compare values; None if they have no column form."""
    first, second = _operand(left), _operand(right)
    if first is None or second is None or first.cls is not second.cls or first.zone is not second.zone:
        return None
    bad = either(first.number.bad, second.number.bad)
    missing = first.number.missing, second.number.missing
    answers = _COMPARED[operation](first.number.values, second.number.values)
    if either(*missing) is None:
        return Value("b", answers, None, bad)
    if operation not in ("eq", "ne"):
        return Value("b", answers, None, either(bad, *missing))
    no_left, no_right = (np.zeros(size, np.bool_) if mask is None else mask for mask in missing)
    equal = np.where(no_left | no_right, no_left & no_right, answers == (operation == "eq"))
    return Value("b", equal == (operation == "eq"), None, bad)


def _operand(given: Values) -> _Operand | None:
    """Return an operand; None if it is neither a time nor an integer."""
    if isinstance(given, TimeValue):
        number = Value("i", given.ticks, given.missing, given.bad, LEAST, GREATEST)
        times = given.times if isinstance(given, Datetimes) else None
        return _Operand(CLASSES[type(given)], number, given.zone, times)
    if isinstance(given, RecordColumns):
        return None
    if given.kind in "ib":
        return _Operand(int, arithmetic.as_int(given))
    constant = given.values
    if not given.is_constant or type(constant) not in FORMS:
        return None
    ticks = ticks_of(constant)
    if not LEAST < ticks <= GREATEST:
        return None
    number = Value("i", ticks, None, given.bad, ticks, ticks)
    return _Operand(type(constant), number, getattr(constant, "tzinfo", None))


def _moved(operation: str, moment: _Operand, duration: _Operand) -> Values | None:
    """Return datetimes or dates at a distance from others; they are not known beyond Python's range of years."""
    sign = 1 if operation == "add" else -1
    distance, bad = duration.number.values, unusable(moment.number, duration.number)
    if moment.cls is date:
        ticks = moment.number.values + sign * (distance // DAY_US)  # dates ignore what is less than a day
        return Dates(*within(ticks, bad, LEAST_DAY, GREATEST_DAY))
    if moment.times is None:
        return None
    ticks = moment.number.values + sign * distance  # beyond 64 bits it wraps around to other invalid years
    ticks, bad = within(ticks, bad, LEAST_US, GREATEST_US)
    return Datetimes(TimeColumn(moment.times.source.replaced(ticks)), bad)
