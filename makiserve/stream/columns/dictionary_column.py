"""A column of few distinct values, as numbers of these values."""

from __future__ import annotations

from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items


class DictionaryColumn(Column):
    """Objects, such as texts, as numbers in a dictionary.

    Args:
        codes: the number of each item: integers, not negative.
        dictionary: distinct Python values, one of which may be None: `object[values]`.
    """

    __slots__ = ("_objects", "codes", "dictionary")
    codes: Array
    dictionary: Array
    _objects: Array | None

    def __init__(self, codes: Array, dictionary: Array) -> None:
        for name, value in (("codes", codes), ("dictionary", dictionary), ("missing", None), ("_objects", None)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.codes)

    def __reduce__(self) -> tuple[Any, ...]:
        return DictionaryColumn, (self.codes, self.dictionary)

    @property
    def values(self) -> Array:
        """The objects, in an array that is made when it is first read."""
        objects = self._objects
        if objects is None:
            objects = self.dictionary[self.codes]
            object.__setattr__(self, "_objects", objects)
        return objects

    def take(self, at: Any) -> DictionaryColumn:
        return DictionaryColumn(self.codes[at], self.dictionary)

    def compact(self) -> DictionaryColumn:
        """Return the items with a dictionary of the values that occur, in the order in which they occur first.

        >>> column = DictionaryColumn(np.array([2, 0, 2]), np.array(["a", "b", "c"], object)).compact()
        >>> column.dictionary.tolist(), column.codes.tolist()
        (['c', 'a'], [0, 1, 0])
        """
        size = len(self.codes)
        first = np.full(len(self.dictionary), size)
        first[self.codes[::-1]] = np.arange(size)[::-1]  # of several assignments the last one counts
        occurring = np.flatnonzero(first < size)
        occurring = occurring[np.argsort(first[occurring])]
        numbers = np.empty(len(self.dictionary), np.int64)
        numbers[occurring] = np.arange(len(occurring))
        return DictionaryColumn(numbers[self.codes], self.dictionary[occurring])


def as_dictionary(items: Items) -> DictionaryColumn | None:
    """Return items with a dictionary; None if they have none and are not integers in a narrow range."""
    if isinstance(items, DictionaryColumn):
        return items
    if not isinstance(items, Column) or items.values.dtype != np.int64 or items.missing is not None or not len(items):
        return None
    low, high = int(items.values.min()), int(items.values.max())
    if high - low > 2 * len(items):
        return None
    return DictionaryColumn(items.values - low, np.arange(low, high + 1).astype(object))
