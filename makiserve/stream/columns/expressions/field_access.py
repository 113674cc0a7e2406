"""Fields and elements of the items of a batch."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from operator import attrgetter, itemgetter
from typing import Any

from makiserve.stream.columns.column import Array, Mask, column_of, none_mask
from makiserve.stream.columns.expressions.node_values import (
    RecordColumns,
    Unsuited,
    Value,
    Values,
    either,
    items_of,
    results_of,
    scalar,
    values_of,
)
from makiserve.stream.columns.expressions.record_classes import has_stored, is_named_tuple, record_fields
from makiserve.stream.columns.expressions.time_values import IsoCalendarDate
from makiserve.stream.immutable import is_frozen

_OF_DATE, _OF_DAY = ("year", "month", "day"), ("hour", "minute", "second", "microsecond", "fold", "tzinfo")
_PARTS: dict[type, tuple[str, ...]] = {
    datetime: (*_OF_DATE, *_OF_DAY),
    date: _OF_DATE,
    time: _OF_DAY,
    timedelta: ("days", "seconds", "microseconds"),
    IsoCalendarDate: ("year", "week", "weekday"),
}
"""Attributes of immutable classes of Python that are read without effect."""


class _Fetched:
    """What has been read from an array of objects: their class, and the fields that cannot change."""

    def __init__(self, values: Array) -> None:
        types = set(map(type, values.tolist()))
        self.has_none = type(None) in types
        types.discard(type(None))
        self.cls = next(iter(types)) if len(types) == 1 else None
        self.is_frozen = self.cls is not None and (self.cls in _PARTS or is_frozen(self.cls))
        self.fields: dict[str | int, Value] = {}


_FETCHED: dict[int, tuple[weakref.ref[Array], _Fetched]] = {}
"""By the identity of arrays in use, so that several functions read a field of the same batch once."""


def attribute(values: Values, name: str, size: int) -> Values:
    """Return an attribute of each item.

    Raises:
        Unsuited: it is not a stored value.
    """
    if isinstance(values, RecordColumns):
        if name not in values.names:
            raise Unsuited(f"{name} is not a field")
        return _with_bad(values.fields[values.names.index(name)], values.bad)
    values = scalar(values)
    fetched = _fetched(values)
    if fetched.cls is None or not (has_stored(fetched.cls, name) or name in _PARTS.get(fetched.cls, ())):
        raise Unsuited(f"{name} is not a field")
    return _with_bad(_fetch(values, fetched, name, attrgetter(name)), values.bad)


def element(values: Values, index: int | str, active: Mask | None, size: int) -> Values:
    """Return an element of each item.

    Raises:
        Unsuited: an item is not a tuple, a text or a dictionary.
    """
    if isinstance(values, RecordColumns):
        if (
            not is_sequence(values)
            or not isinstance(index, int)
            or not -len(values.fields) <= index < len(values.fields)
        ):
            raise Unsuited(f"{index} is not an element")
        return _with_bad(values.fields[index], values.bad)
    values = scalar(values)
    fetched = _fetched(values)
    if fetched.cls in (tuple, IsoCalendarDate) or (fetched.cls is not None and is_named_tuple(fetched.cls)):
        return _with_bad(_fetch(values, fetched, index, itemgetter(index)), values.bad)
    if fetched.cls is dict or fetched.cls is str:
        return _with_bad(_read(values, itemgetter(index)), values.bad)
    raise Unsuited("an item that is not a tuple")


def length_of(values: Values) -> int:
    """Return the number of elements of the first item.

    Raises:
        Unsuited: the items are not tuples.
    """
    if isinstance(values, RecordColumns):
        if not is_sequence(values):
            raise Unsuited("an item that is not a tuple")
        return len(values.fields)
    values = scalar(values)
    cls = _fetched(values).cls
    if cls not in (tuple, IsoCalendarDate) and (cls is None or not is_named_tuple(cls)):
        raise Unsuited("an item that is not a tuple")
    return next(len(item) for item in values.values.tolist() if item is not None)


def class_of(values: Value) -> type[Any] | None:
    """Return the class of objects; None if they have several.

    Raises:
        Unsuited: they are not objects.
    """
    return _fetched(values).cls


def unpack(values: Values, count: int, size: int) -> Value:
    """Return a constant if each item is a tuple of this length.

    Raises:
        Unsuited: one is not.
    """
    if length_of(values) != count:
        raise Unsuited(f"an item that is not a tuple of {count}")
    if isinstance(values, RecordColumns):
        return Value("b", True, None, values.bad)
    values = scalar(values)
    items = values.values.tolist()
    none = none_mask(items) if _fetched(values).has_none else None
    if any(item is not None and len(item) != count for item in items):
        raise Unsuited(f"an item that is not a tuple of {count}")
    return Value("b", True, None, either(values.bad, none))


def replaced(record: Values, names: Sequence[str], changes: Sequence[Values], size: int) -> RecordColumns:
    """Return named tuples with other values in some fields.

    Raises:
        Unsuited: the items are not named tuples with these fields.
    """
    if not isinstance(record, RecordColumns):
        record = _opened(scalar(record), size)
    if not isinstance(record.make, type) or not is_named_tuple(record.make) or not set(names) <= set(record.names):
        raise Unsuited("an item that is not a named tuple with these fields")
    changed = dict(zip(names, (_spread(change, size) for change in changes), strict=True))
    fields = tuple(changed.get(name, field) for name, field in zip(record.names, record.fields, strict=True))
    return RecordColumns(record.make, record.names, fields, either(record.bad, *(change.bad for change in changes)))


def is_sequence(record: RecordColumns) -> bool:
    """Return whether the records are tuples."""
    return record.make in (None, IsoCalendarDate) or (isinstance(record.make, type) and is_named_tuple(record.make))


def _spread(value: Values, size: int) -> Values:
    """Return a constant as an array, because what is read from an item is one."""
    if not isinstance(value, Value) or not value.is_constant:
        return value
    return scalar(values_of(items_of(value, size)))


def _opened(values: Value, size: int) -> RecordColumns:
    fetched = _fetched(values)
    names = None if fetched.cls is None else record_fields(fetched.cls)
    if names is None:
        raise Unsuited("an item that is not a record")
    fields = tuple(attribute(values, name, size) for name in names)
    return RecordColumns(fetched.cls, names, fields, either(*(field.bad for field in fields)))


def _fetched(values: Value) -> _Fetched:
    if values.kind != "O" or values.is_constant:
        raise Unsuited("a number that is used as a record")
    key = id(values.values)
    entry = _FETCHED.get(key)
    if entry is None or entry[0]() is not values.values:
        reference = weakref.ref(values.values, lambda _: _FETCHED.pop(key, None))
        entry = _FETCHED[key] = reference, _Fetched(values.values)
    return entry[1]


def _fetch(values: Value, fetched: _Fetched, key: str | int, read: Callable[[Any], Any]) -> Value:
    value = fetched.fields.get(key)
    if value is None:
        value = _read(values, read)
        if fetched.is_frozen:
            fetched.fields[key] = value
    return value


def _read(values: Value, read: Callable[[Any], Any]) -> Value:
    """Return what `read` returns for each item; it is not known where the item is None or where `read` raises."""
    results, raised = results_of(read, [values.values.tolist()], len(values.values))
    value = scalar(values_of(column_of(results)))
    return replace(value, bad=raised)


def _with_bad(values: Values, bad: Mask | None) -> Values:
    return values if bad is None else replace(values, bad=either(values.bad, bad))
