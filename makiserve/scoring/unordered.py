"""Replace sets in outputs by sorted lists: their own order depends on hashes, which differ between processes.

A dict with two keys that are the same text in JSON, such as 1 and "1", is replaced by an error, because the encoder
would write the key twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from makiserve.scoring.plain import Unwritable, json_value, same_keys, sorted_set
from makiserve.stream.columns.column import Column, Items, Rows, objects
from makiserve.stream.columns.items import ColumnItems
from makiserve.stream.columns.time_column import TimeColumn
from makiserve.stream.immutable import have_immutable_types, is_immutable_type

DISTINCT: tuple[set[type], ...] = (set(), {str}, {int})
"""The types of the keys of a dict whose texts are all different."""


def without_sets(items: Sequence[Any]) -> Sequence[Any]:
    """Return outputs with a sorted list instead of each set in them; the same object if there is none.

    An output that cannot be read or sorted stays as it is: what encodes it raises its error.
    """
    if isinstance(items, ColumnItems):
        column = column_without_sets(items.column)
        return items if column is items.column else ColumnItems(column)
    return items if have_immutable_types(items) else list(map(_ordered_or_same, items))


def column_without_sets(column: Items) -> Items:
    """Return a column of outputs as `without_sets` does."""
    if isinstance(column, Rows):
        parts = tuple(map(column_without_sets, column.fields))
        is_same = all(part is field for part, field in zip(parts, column.fields, strict=True))
        return column if is_same else Rows(column.make, column.names, parts)
    if isinstance(column, TimeColumn) or not isinstance(column, Column) or column.values.dtype != object:
        return column
    items = column.items()
    return column if have_immutable_types(items) else objects(list(map(_ordered_or_same, items)))


def _ordered_or_same(value: Any) -> Any:
    try:
        return _ordered(value)
    except Exception:  # noqa: BLE001  the value is a user's
        return value


def _ordered(value: Any) -> Any:
    """Return a value with lists instead of sets; itself if it has none."""
    kind: Any = type(value)
    if is_immutable_type(kind):
        return value
    if isinstance(value, (set, frozenset)):
        return sorted_set(map(_ordered, value))
    if isinstance(value, dict):
        if _has_same_keys(value):
            return Unwritable(same_keys(value))
        return _replaced(value, value.values(), lambda parts: dict(zip(value, parts, strict=True)))
    if isinstance(value, tuple):
        return _replaced(value, value, getattr(kind, "_make", tuple))
    if isinstance(value, list):
        return _replaced(value, value, list)
    if isinstance(value, msgspec.Struct):
        return _with_fields(value, kind.__struct_fields__, msgspec.structs.force_setattr)
    if is_dataclass(kind):
        return _with_fields(value, [field.name for field in fields(kind)], object.__setattr__)
    return value


def _has_same_keys(value: dict[Any, Any]) -> bool:
    """Return whether two keys of a dict have the same text in JSON."""
    if set(map(type, value)) in DISTINCT:
        return False
    return len({msgspec.json.encode({key: None}, enc_hook=json_value) for key in value}) < len(value)


def _replaced(value: Any, parts: Iterable[Any], make: Callable[[list[Any]], Any]) -> Any:
    if have_immutable_types(parts):
        return value
    ordered = list(map(_ordered, parts))
    return value if all(new is old for new, old in zip(ordered, parts, strict=True)) else make(ordered)


def _with_fields(value: Any, names: Sequence[str], assign: Callable[[Any, str, Any], None]) -> Any:
    def make(parts: list[Any]) -> Any:
        changed = copy(value)
        for name, part in zip(names, parts, strict=True):
            assign(changed, name, part)
        return changed

    return _replaced(value, [getattr(value, name) for name in names], make)
