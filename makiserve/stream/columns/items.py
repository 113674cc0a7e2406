"""The items of a column as Python objects that are made when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, join, objects


class ColumnItems(Sequence[Any]):
    """The items of a column as a sequence. Python objects are made when one is read, and kept.

    It is equal to a list of the same items, and a list can be extended by it. It has no `__radd__`, because `list +=`
    would call it and assign another list.

    Args:
        column: the items.

    >>> ColumnItems(column_of([1.5, None])) == [1.5, None]
    True
    """

    __slots__ = ("_items", "column")
    __hash__ = None  # type: ignore[assignment]  # as for a list

    def __init__(self, column: Items) -> None:
        self.column = column
        self._items: list[Any] | None = None

    @property
    def is_typed(self) -> bool:
        """Return whether the items are numbers or booleans in a typed array, or None."""
        return isinstance(self.column, Column) and self.column.values.dtype != object

    def __len__(self) -> int:
        return len(self.column)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._made())

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> ColumnItems: ...
    def __getitem__(self, index: int | slice) -> Any:
        return ColumnItems(self.column.take(index)) if isinstance(index, slice) else self._made()[index]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (list, ColumnItems)) else NotImplemented

    def __repr__(self) -> str:
        return repr(self._made())

    def __reduce__(self) -> tuple[Any, ...]:
        return ColumnItems, (self.column,)

    def _made(self) -> list[Any]:
        if self._items is None:
            self._items = self.column.items()
        return self._items


def as_column(items: Sequence[Any]) -> Items:
    """Return items as a column; those that are not one yet stay objects."""
    return items.column if isinstance(items, ColumnItems) else objects(items)


def as_floats(items: Sequence[Any]) -> Array:
    """Return numbers as float64; None is nan.

    Raises:
        TypeError, ValueError, OverflowError: an item has no such value.
    """
    column = items.column if isinstance(items, ColumnItems) else None
    if not isinstance(column, Column) or column.values.dtype == object:
        return np.array(list(items), np.float64)
    values = column.values.astype(np.float64)
    if column.missing is not None:
        values[column.missing] = np.nan
    return values


def taken(items: Sequence[Any], at: Sequence[int]) -> Sequence[Any]:
    """Return the items at these indexes."""
    if isinstance(items, ColumnItems):
        return ColumnItems(items.column.take(at))
    return [items[index] for index in at]


def concat(parts: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Return the items of all parts, as columns if all parts with items are columns of the same form."""
    parts = [part for part in parts if len(part)]
    if len(parts) == 1:
        return parts[0]
    columns = [part.column for part in parts if isinstance(part, ColumnItems)]
    if parts and len(columns) == len(parts):
        return ColumnItems(join(columns))
    return [item for part in parts for item in part]
