"""The values of a node for all items of a batch, and calls of Python functions for those that numpy cannot compute."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import repeat
from typing import Any
from uuid import UUID

import numpy as np

from makiserve.stream.columns.column import KINDS, Array, Column, Items, Mask, Rows, column_of, objects
from makiserve.stream.columns.dictionary_column import DictionaryColumn
from makiserve.stream.columns.expressions.time_values import Datetimes, Durations, IsoCalendarDate, TimeValue, within
from makiserve.stream.columns.time_column import TimeColumn

LEAST, GREATEST = -(2**63), 2**63 - 1
EXACT = 2**53
"""Integers up to this size are float64 values."""
KIND = {bool: "b", int: "i", float: "f"}
PLAIN = {
    *(int, float, bool, complex, str, bytes, type(None), Decimal, Fraction, UUID),
    *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone),
}
"""Types whose operators have no effect but their result."""


class Unsuited(Exception):
    """These items have a form for which the expression was not made; the function is called for each of them."""


@dataclass(frozen=True, slots=True)
class Value:
    """Scalar values, one for each item or the same for all.

    Attributes:
        kind: "f", "i", "b" or "O": the kind of the array's type, or the one that a constant would have.
        values: an array, or the constant itself.
        missing: where the value is None in a typed array.
        bad: where the value is not known, because Python may raise or compute something else.
        low, high: bounds of integers.
        encoded: the column with these values, if it has a dictionary.
    """

    kind: str
    values: Any
    missing: Mask | None = None
    bad: Mask | None = None
    low: int = 0
    high: int = 0
    encoded: DictionaryColumn | None = None

    @property
    def is_constant(self) -> bool:
        """Return whether the value is the same for all items."""
        return not isinstance(self.values, np.ndarray)

    def within(self, low: int, high: int) -> bool:
        """Return whether all integers are within these bounds."""
        return low <= self.low and self.high <= high


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Records, with a value for each field.

    Attributes:
        make, names: as in `Rows`.
        fields: the values of the fields.
        bad: where the record is not known.
    """

    make: Callable[..., Any] | None
    names: tuple[str, ...]
    fields: tuple[Values, ...]
    bad: Mask | None = None


Values = Value | RecordColumns | TimeValue


def constant(value: Any) -> Value:
    """Return a constant."""
    kind = KIND.get(type(value), "O")
    if kind != "i":
        return Value(kind, value)
    return Value("i", value, low=value, high=value) if LEAST <= value <= GREATEST else Value("O", value)


def integers(values: Array, low: int = LEAST, high: int = GREATEST, *, bad: Mask | None = None) -> Value:
    """Return integers with bounds."""
    return Value("i", values, None, bad, max(low, LEAST), min(high, GREATEST))


def values_of(items: Items) -> Values:
    """Return the values of a column or of rows."""
    if isinstance(items, Rows):
        return RecordColumns(items.make, items.names, tuple(map(values_of, items.fields)))
    if isinstance(items, TimeColumn):
        return Datetimes(items)
    kind = items.values.dtype.kind
    if kind != "O" and items.values.dtype not in KINDS.values():
        raise Unsuited(f"a column of {items.values.dtype}")
    encoded = items if isinstance(items, DictionaryColumn) else None
    return Value(kind, items.values, items.missing, None, LEAST, GREATEST, encoded)


def items_of(values: Values, size: int) -> Items:
    """Return values as a column or as rows."""
    if isinstance(values, RecordColumns):
        if values.make is IsoCalendarDate:  # Python returns an object, not a record
            return objects(Rows(values.make, (), tuple(items_of(field, size) for field in values.fields)).items())
        return Rows(values.make, values.names, tuple(items_of(field, size) for field in values.fields))
    if isinstance(values, TimeValue):
        return values.column()
    if values.encoded is not None:
        return values.encoded
    if not values.is_constant:
        return Column(values.values, values.missing)
    if values.kind == "O":
        return Column(np.fromiter(repeat(values.values, size), object, size))
    return Column(np.full(size, values.values))


def scalar(values: Values) -> Value:
    """Return values that are not records.

    Raises:
        Unsuited: they are.
    """
    if isinstance(values, RecordColumns):
        raise Unsuited("an operation on a record")
    return Value("O", values.column().values, None, values.bad) if isinstance(values, TimeValue) else values


def either(*masks: Mask | None) -> Mask | None:
    """Return where any of the masks is true; None stands for nowhere."""
    union: Mask | None = None
    for mask in masks:
        if mask is not None:
            union = mask if union is None else union | mask
    return union


def some(mask: Mask) -> Mask | None:
    """Return a mask, or None if it is true nowhere."""
    return mask if mask.any() else None


def unusable(*operands: Value | TimeValue) -> Mask | None:
    """Return where an operand is not known or None."""
    return either(*(mask for operand in operands for mask in (operand.bad, operand.missing)))


def durations_of(microseconds: Value) -> Durations | None:
    """Return microseconds as durations; None if one is beyond 64 bits."""
    if microseconds.kind != "i":
        return None
    return Durations(*within(microseconds.values, unusable(microseconds), LEAST + 1, GREATEST))


def tight(value: Value) -> Value:
    """Return integers with the closest bounds."""
    if value.is_constant or not len(value.values):
        return value
    return replace(value, low=int(value.values.min()), high=int(value.values.max()))


def called(
    function: Callable[..., Any], operands: Iterable[Values], active: Mask | None, size: int, *, checked: bool = True
) -> Value:
    """Call a Python function for each of the active items whose operands are known.

    Args:
        function: has no effect but its result.
        operands: its arguments.
        active: the items that need the result; None for all.
        size: the number of items.
        checked: whether to refuse operands of types whose operators may do anything.

    Raises:
        Unsuited: an operand has such a type.
    """
    given = list(operands)
    bad = either(*(operand.bad for operand in given))
    wanted = None if active is None and bad is None else _without(active, bad, size)
    at = None if wanted is None or wanted.all() else np.flatnonzero(wanted)
    count = size if at is None else len(at)
    arguments = [_list(operand, at, count, size, checked) for operand in given]
    results, raised = results_of(function, arguments, count)
    column = column_of(results)
    if at is None:
        return Value(column.values.dtype.kind, column.values, column.missing, raised, LEAST, GREATEST)
    values = np.zeros(size, column.values.dtype)
    values[at] = column.values
    failed = np.ones(size, np.bool_)
    failed[at] = False if raised is None else raised
    missing = None if column.missing is None else np.zeros(size, np.bool_)
    if missing is not None:
        missing[at] = column.missing
    return Value(column.values.dtype.kind, values, missing, failed, LEAST, GREATEST)


def results_of(
    function: Callable[..., Any], arguments: Sequence[Sequence[Any]], count: int
) -> tuple[list[Any], Mask | None]:
    """Call a function for each item.

    Returns:
        The results, with None for the items for which it raises; and these items, None if there are none.
    """
    rest = [iter(values) for values in arguments]
    results: list[Any] = []
    raised: list[int] = []
    while len(results) < count:
        try:
            results.extend(map(function, *rest))
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001, S110  the item fails as in Python
            pass
        if len(results) < count:
            raised.append(len(results))
            results.append(None)
    if not raised:
        return results, None
    failed = np.zeros(count, np.bool_)
    failed[raised] = True
    return results, failed


def _without(active: Mask | None, bad: Mask | None, size: int) -> Mask:
    wanted = np.ones(size, np.bool_) if active is None else active
    return wanted if bad is None else wanted & ~bad


def _list(operand: Values, at: Array | None, count: int, size: int, checked: bool) -> list[Any]:
    """Return the Python values of an operand at some indexes."""
    if isinstance(operand, Value) and operand.is_constant:
        return [operand.values] * count
    items = items_of(operand, size)
    values = (items if at is None else items.take(at)).items()
    if checked:
        check_plain(operand, values)
    return values


def check_plain(operand: Values, values: Iterable[Any]) -> None:
    """Refuse values of types whose operators may have an effect.

    Raises:
        Unsuited: there are such values.
    """
    if isinstance(operand, RecordColumns):
        if operand.make is not None:
            raise Unsuited("a call with a record")
        for index, field in enumerate(operand.fields):
            check_plain(field, (value[index] for value in values))
    elif isinstance(operand, Value) and operand.kind == "O":
        other = set(map(type, values)) - PLAIN
        if other:
            raise Unsuited(f"objects of the type {other.pop().__name__}")
