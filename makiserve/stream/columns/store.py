"""Stores: the state of one operator for all groups of a scope, one row of some arrays for each group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, objects

OBJECT = np.dtype(object)

NOTHING = [[OBJECT.str, 0]]
"""The kinds of a store of items that never held any."""


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
        arrays, self.arrays = list(self.arrays), ()
        self.arrays = tuple(extended(arrays, part) for part in more)

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
    def saved(self) -> tuple[Array, ...]:
        """The arrays whose rows a checkpoint contains; none if the rows hold nothing, or nothing but None."""
        return self.arrays

    @property
    def kinds(self) -> list[list[Any]]:
        """Type and width of each array, for a checkpoint."""
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


def extended(arrays: list[Array], more: Array) -> Array:
    """Remove the first array from a list and return it with more rows.

    It grows in place if nothing else refers to it, because copying a hundred megabytes would stop the loop.
    """
    array = arrays.pop(0)
    rows = len(array)
    try:
        array.resize((rows + len(more), *array.shape[1:]))
    except ValueError:  # something refers to it, or it does not own its memory
        return np.concatenate((array, more))
    array[rows:] = more
    return array


def numbers(kind: type, first: Any = 0) -> Callable[[int], tuple[Array, ...]]:
    """Return the maker of one array of numbers."""
    return lambda count: (np.full(count, first, kind),)


class ItemStore(Store):
    """Items by row: one, or the last `size` of them. Their type is that of the first items; None is an ordinary item.

    A typed array holds only values of its type. Once others come, the store keeps objects. The second array marks where
    an item of a typed array is None. It has no columns until there is such an item.
    """

    def __init__(self, size: int = 1) -> None:
        self._size = size
        self._dtype: Any = None
        self._has_missing = False
        super().__init__(self._first)

    @property
    def _is_typed(self) -> bool:
        return self._dtype is not None and self._dtype != OBJECT

    def _first(self, count: int) -> tuple[Array, ...]:
        values = np.zeros((count, self._size), self._dtype) if self._is_typed else np.empty((count, self._size), object)
        return values, np.zeros((count, self._size if self._is_typed and self._has_missing else 0), np.bool_)

    def accept(self, items: Items) -> Column:
        """Return items as a column of the store's type; the store becomes one of objects if it must."""
        column = items if isinstance(items, Column) else objects(items.items())
        if self._dtype != OBJECT and column.values.dtype == OBJECT and all(item is None for item in column.values):
            self._note_missing()
            return self._nothing(column)
        if self._dtype is None:
            self._become(column.values.dtype)
        elif self._dtype != column.values.dtype:
            if self._dtype != OBJECT:
                self._become(OBJECT)
            column = objects(column.items())
        if column.missing is not None and column.missing.any():
            self._note_missing()
        return column

    def at(self, rows: Array) -> Column:
        """Return the latest item of each of these rows."""
        values, missing = self.get(rows)
        return Column(values[:, -1], missing[:, -1] if missing.size else None)

    def content(self, column: Column) -> tuple[Array, Array]:
        """Return the arrays of items, one for each row. They were accepted, or are in the store."""
        missing = np.zeros((len(column), self.arrays[1].shape[1]), np.bool_)
        if column.missing is not None and missing.size:
            missing[:, 0] = column.missing
        return column.values[:, np.newaxis], missing

    def row(self, row: int) -> Column:
        """Return the items of a row, the latest one last."""
        values, missing = (array[row] for array in self.arrays)
        return Column(values, missing) if missing.any() else Column(values)

    def _nothing(self, column: Column) -> Column:
        """Return a column of None for a store that is typed, or does not know its type yet."""
        if self._dtype is None:
            return column
        return Column(np.zeros(len(column), self._dtype), np.ones(len(column), np.bool_))

    def _note_missing(self) -> None:
        """Make room for the marks of items that are None."""
        if not self._has_missing:
            self._has_missing = True
            if self._is_typed:
                self.arrays = (self.arrays[0], np.zeros(self.arrays[0].shape, np.bool_))

    def _become(self, dtype: Any) -> None:
        before, self._dtype = self.arrays, dtype
        self.arrays = self._first(len(before[0]))
        if before[0].dtype == OBJECT:  # it holds nothing but None
            self.arrays[1][:] = True
        else:
            self.arrays = (_as_objects(*before), self.arrays[1])

    @property
    def saved(self) -> tuple[Array, ...]:
        return () if self._dtype is None else self.arrays

    @property
    def kinds(self) -> list[list[Any]]:
        if self._dtype is not None:
            return super().kinds
        return [] if self._has_missing else NOTHING

    def restore(self, kinds: Sequence[Sequence[Any]]) -> None:
        if not kinds:
            self._note_missing()
        if not kinds or kinds == NOTHING or self._dtype == OBJECT:
            return
        dtype = np.dtype(kinds[0][0])
        if self._dtype is None or dtype == OBJECT:
            self._become(dtype)
        elif dtype != self._dtype:
            raise ValueError(f"a store of {self._dtype} cannot hold {dtype}")
        if kinds[1][1]:
            self._note_missing()

    def put_decoded(self, rows: Array, content: Sequence[Array]) -> None:
        if not content:
            if self._has_missing:  # every item was None when it was written
                self.arrays[1][rows] = True
            return
        values, missing = content
        if values.dtype != self._dtype:  # typed when it was written, objects now
            values, missing = _as_objects(values, missing), missing[:, :0]
        if missing.size:
            self._note_missing()
        self.put(rows, (values, missing if missing.size else np.zeros_like(self.arrays[1][rows])))


def _as_objects(values: Array, missing: Array) -> Array:
    """Return the values of a typed array as Python objects."""
    items = values.astype(object)
    if missing.size:
        items[missing] = None
    return items
