"""Stores: the state of one operator for all groups of a scope, one row of some arrays for each group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, objects

OBJECT = np.dtype(object)


class Store:
    """Arrays with one row for each group. Rows that were never written hold the first content.

    Args:
        make: returns the arrays of `count` rows with the first content.
    """

    def __init__(self, make: Callable[[int], tuple[Array, ...]]) -> None:
        self._make = make
        self.arrays = make(0)

    def grow(self, rows: int) -> None:
        """Make room for this many rows."""
        more = self._make(rows - len(self.arrays[0]))
        self.arrays = tuple(np.concatenate(pair) for pair in zip(self.arrays, more, strict=True))

    def get(self, rows: Any) -> tuple[Array, ...]:
        """Return a copy of the content of these rows."""
        return tuple(array[rows] for array in self.arrays)

    def put(self, rows: Any, content: Sequence[Array]) -> None:
        """Write the content of these rows."""
        for array, values in zip(self.arrays, content, strict=True):
            array[rows] = values

    def reset(self, rows: Array) -> None:
        """Write the first content into these rows."""
        self.put(rows, self._make(len(rows)))

    @property
    def kinds(self) -> list[list[Any]]:
        """Type and width of each array, for a checkpoint; empty if the store never held anything."""
        return [[array.dtype.str, 1 if array.ndim == 1 else array.shape[1]] for array in self.arrays]

    def restore(self, kinds: Sequence[Sequence[Any]]) -> None:
        """Take the types that a block of a checkpoint names. Later blocks name the same types or more general ones.

        Raises:
            ValueError: the types do not fit, so the block is damaged.
        """

    def put_decoded(self, rows: Array, content: Sequence[Array]) -> None:
        """Write what was read from a checkpoint: two-dimensional arrays, perhaps of earlier types of this store."""
        self.put(
            rows, [values.reshape(-1, *array.shape[1:]) for values, array in zip(content, self.arrays, strict=True)]
        )


def numbers(kind: type, first: Any = 0) -> Callable[[int], tuple[Array, ...]]:
    """Return the maker of one array of numbers."""
    return lambda count: (np.full(count, first, kind),)


class ItemStore(Store):
    """Items by row: one, or the last `size` of them. Their type is that of the first items; None is an ordinary item.

    A typed array holds only values of its type. Once others come, the store keeps objects.
    """

    def __init__(self, size: int = 1) -> None:
        self._size = size
        self._dtype: Any = None
        super().__init__(self._first)

    def _first(self, count: int) -> tuple[Array, ...]:
        dtype = OBJECT if self._dtype is None else self._dtype
        empty = np.full((count, self._size), None if dtype == OBJECT else 0, dtype)
        return empty, np.zeros((count, self._size if dtype != OBJECT else 0), np.bool_)

    def accept(self, items: Items) -> Column:
        """Return items as a column of the store's type; the store becomes one of objects if it must."""
        column = items if isinstance(items, Column) else objects(items.items())
        if self._dtype != OBJECT and column.values.dtype == OBJECT and all(item is None for item in column.values):
            return self._nothing(column)
        if self._dtype is None:
            self._become(column.values.dtype)
        elif self._dtype != column.values.dtype:
            if self._dtype != OBJECT:
                self._become(OBJECT)
            column = objects(column.items())
        return column

    def row(self, row: int) -> Column:
        """Return the items of a row, the latest one last."""
        values, missing = (array[row] for array in self.arrays)
        return Column(values, missing) if missing.any() else Column(values)

    def _nothing(self, column: Column) -> Column:
        """Return a column of None for a store that is typed, or does not know its type yet."""
        if self._dtype is None:
            return column
        return Column(np.zeros(len(column), self._dtype), np.ones(len(column), np.bool_))

    def _become(self, dtype: Any) -> None:
        before, self._dtype = self.arrays, dtype
        self.arrays = self._first(len(before[0]))
        if before[0].dtype == OBJECT:  # it holds nothing but None
            self.arrays[1][:] = True
        else:  # typed before: give every value back as a Python object
            values = before[0].astype(object)
            values[before[1]] = None
            self.arrays = (values, self.arrays[1])

    @property
    def kinds(self) -> list[list[Any]]:
        return [] if self._dtype is None else super().kinds

    def restore(self, kinds: Sequence[Sequence[Any]]) -> None:
        dtype = np.dtype(kinds[0][0]) if kinds else None
        if dtype is None or self._dtype == OBJECT:
            return
        if self._dtype is None or dtype == OBJECT:
            self._become(dtype)
        elif dtype != self._dtype:
            raise ValueError(f"a store of {self._dtype} cannot hold {dtype}")

    def put_decoded(self, rows: Array, content: Sequence[Array]) -> None:
        if not content:  # every item was None when it was written
            self.arrays[1][rows] = True
        elif content[0].dtype == self._dtype:
            self.put(rows, content)
        else:  # typed when it was written, objects now
            values = content[0].astype(object)
            values[content[1]] = None
            self.put(rows, (values, np.zeros((len(rows), 0), np.bool_)))
