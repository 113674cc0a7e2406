"""Columns: the items of a batch as arrays, one value or one field each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat, starmap
from operator import is_
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]

KINDS: dict[type, type] = {float: np.float64, int: np.int64, bool: np.bool_}
"""The Python types that have a typed array. A subclass, such as an IntEnum, has none."""


@dataclass(frozen=True, slots=True)
class Column:
    """Python values as an array.

    Attributes:
        values: one dimension, of float64, int64, bool or object. Only Python's own float, int and bool are stored in
            typed arrays, so that each value can be given back with its type.
        missing: a mask of the values that are None, for a typed array; None if the array has none. NaN is an ordinary
            value.
    """

    values: Array
    missing: Mask | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, at: Any) -> Column:
        """Return the values at these indexes, or where this mask is true."""
        return Column(self.values[at], None if self.missing is None else self.missing[at])

    def items(self) -> list[Any]:
        """Return the Python values."""
        values: list[Any] = self.values.tolist()
        if self.missing is not None:
            for index in np.flatnonzero(self.missing).tolist():
                values[index] = None
        return values


@dataclass(frozen=True, slots=True)
class Rows:
    """Items that consist of several values, such as records and tuples, without an object for each item.

    Attributes:
        make: builds an item from the values of its fields, in order; None for a plain tuple.
        names: the names of the fields; empty for a plain tuple.
        fields: the fields, all of the same length.
    """

    make: Callable[..., Any] | None
    names: tuple[str, ...]
    fields: tuple[Items, ...]

    def __len__(self) -> int:
        return len(self.fields[0])

    def take(self, at: Any) -> Rows:
        """Return the items at these indexes, or where this mask is true."""
        return Rows(self.make, self.names, tuple(field.take(at) for field in self.fields))

    def items(self) -> list[Any]:
        """Return the items as Python objects."""
        rows = zip(*(field.items() for field in self.fields), strict=True)
        return list(rows) if self.make is None else list(starmap(self.make, rows))


Items: TypeAlias = Column | Rows


def column_of(items: Sequence[Any]) -> Column:
    """Return Python values as a column, typed if all have the same type or are None.

    >>> column_of([1.5, None]).missing
    array([False,  True])
    >>> column_of([1, 2.5]).values.dtype
    dtype('O')
    """
    types = set(map(type, items))
    nothing = type(None) in types
    types.discard(type(None))
    kind = KINDS.get(next(iter(types))) if len(types) == 1 else None
    if kind is None:
        return objects(items)
    missing = none_mask(items) if nothing else None
    given = (0 if item is None else item for item in items) if nothing else items
    try:
        return Column(np.fromiter(given, kind, len(items)), missing)
    except OverflowError:  # an integer beyond 64 bits
        return objects(items)


def none_mask(items: Sequence[Any]) -> Mask:
    """Return a mask of the items that are None."""
    return np.fromiter(map(is_, items, repeat(None)), np.bool_, len(items))


def objects(items: Sequence[Any]) -> Column:
    """Return Python values as a column of objects."""
    return Column(np.fromiter(items, object, len(items)))


def join(parts: Sequence[Items]) -> Items:
    """Return columns of the same form one after the other; columns of different types become objects."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if all(isinstance(part, Rows) and _form(part) == _form(first) for part in parts):
        assert isinstance(first, Rows)  # noqa: S101  what the line above makes sure of
        fields = zip(*(part.fields for part in parts if isinstance(part, Rows)), strict=True)
        return Rows(first.make, first.names, tuple(join(field) for field in fields))
    columns = [part for part in parts if isinstance(part, Column)]
    if len(columns) < len(parts) or len({column.values.dtype for column in columns}) > 1:
        return objects([item for part in parts for item in part.items()])
    missing = None
    if any(column.missing is not None for column in columns):
        missing = np.concatenate([_missing(column) for column in columns])
    return Column(np.concatenate([column.values for column in columns]), missing)


def _form(items: Items) -> Any:
    return (items.make, items.names, len(items.fields)) if isinstance(items, Rows) else None


def _missing(column: Column) -> Mask:
    return np.zeros(len(column), np.bool_) if column.missing is None else column.missing
