"""Lists of items by row: any number of items for each group, in columns that all groups share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.segments import ranges
from makiserve.stream.columns.store import Store

NO_PLACES = -1
"""The size of a list that has never had items."""


class ListStore(Store):
    """A list for each row. Its items are in the rows of other stores, the columns: places that follow one another.

    The number of places of a list is a power of two. A list that outgrows them, or needs less than a quarter of them,
    gets others. Lists of the same size reuse its places, so that no list moves because of another one.

    Args:
        columns: the stores of the items.
    """

    def __init__(self, columns: Sequence[Store]) -> None:
        self.columns = tuple(columns)
        self._free: dict[int, list[int]] = {}
        self._used = self._capacity = 0
        super().__init__(_empty_lists)

    def lengths(self, rows: Array) -> Array:
        """Return the number of items of each list."""
        lengths: Array = self.arrays[1][rows]
        return lengths

    def places(self, rows: Array) -> Array:
        """Return the places of the items, list after list."""
        return ranges(self.arrays[0][rows], self.arrays[1][rows])

    def put(self, rows: Any, content: Sequence[Any]) -> None:
        """Write lists: their lengths, and for each column the arrays of all items, list after list."""
        lengths, *columns = content
        places = self.with_lengths(rows, lengths)
        for column, arrays in zip(self.columns, columns, strict=True):
            column.put(places, arrays)

    def with_lengths(self, rows: Array, lengths: Array) -> Array:
        """Give lists new lengths, and return the places of their items, which hold anything."""
        first, _, size = self.get(rows)
        needed = np.where(lengths > 0, np.frexp(np.maximum(lengths - 1, 0))[1], NO_PLACES)
        moves = (needed > size) | (needed < size - 1)
        if moves.any():
            self._release(first[moves], size[moves])
            first[moves] = self._allocated(needed[moves])
            size[moves] = needed[moves]
        super().put(rows, (first, lengths, size))
        return ranges(first, lengths)

    def reset(self, rows: Array) -> None:
        """Remove the items of these rows."""
        first, _, size = self.get(rows)
        self._release(first, size)
        super().put(rows, _empty_lists(len(rows)))

    def _release(self, first: Array, sizes: Array) -> None:
        for size in np.unique(sizes[sizes != NO_PLACES]).tolist():
            self._free.setdefault(size, []).extend(first[sizes == size].tolist())

    def _allocated(self, sizes: Array) -> Array:
        """Return the first places of new lists."""
        first = np.zeros(len(sizes), np.int64)
        for size in np.unique(sizes[sizes != NO_PLACES]).tolist():
            at = np.flatnonzero(sizes == size)
            free = self._free.get(size, [])
            reused = free[max(0, len(free) - len(at)) :]
            del free[len(free) - len(reused) :]
            new = self._used + np.arange(len(at) - len(reused)) * 2**size
            self._used += len(new) * 2**size
            first[at] = [*reused, *new.tolist()]
        if self._used > self._capacity:
            self._capacity = max(self._used, self._capacity + self._capacity // 4)
            for column in self.columns:
                column.grow(self._capacity)
        return first


def _empty_lists(count: int) -> tuple[Array, ...]:
    """Return first place, length and size of lists without items; a size is the logarithm of the number of places."""
    return np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, NO_PLACES, np.int64)
