"""Tables: the state of all groups of a scope, and the rows of their keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.store import Store

FIRST_CAPACITY = 8


class Table:
    """The state of a scope: a row for each group, and a store for each operator that keeps state.

    Args:
        stores: makers of the stores.

    Attributes:
        index: the row of each key, in the order in which the keys were first seen.
        is_touched: for each row whether it was used since its flag was last cleared.
        is_foreign: for each row whether the row engine has the group's state instead.
    """

    def __init__(self, stores: Sequence[Callable[[], Store]]) -> None:
        self.stores = [make() for make in stores]
        self.index: dict[Any, int] = {}
        self._capacity = 0
        self.is_touched = np.zeros(0, np.bool_)
        self.is_foreign = np.zeros(0, np.bool_)

    def find(self, keys: Sequence[Any]) -> tuple[Array, list[Any]]:
        """Return the row of each key, and the keys that have been added for it.

        Raises:
            TypeError: a key cannot be hashed. No key is added.
        """
        index = self.index
        added = [key for key in dict.fromkeys(keys) if key not in index]
        for key in added:
            index[key] = len(index)
        if len(index) > self._capacity:
            self._grow(len(index))
        return np.fromiter(map(index.__getitem__, keys), np.int64, len(keys)), added

    def keys(self) -> list[Any]:
        """Return the key of each row."""
        return list(self.index)

    def forget(self, added: Sequence[Any]) -> None:
        """Remove the keys that were added last; nothing was written to their rows."""
        for key in reversed(added):
            del self.index[key]

    def _grow(self, rows: int) -> None:
        self._capacity = max(FIRST_CAPACITY, 2 * self._capacity, rows)
        for store in self.stores:
            store.grow(self._capacity)
        for name in ("is_touched", "is_foreign"):
            flags = np.zeros(self._capacity, np.bool_)
            flags[: len(getattr(self, name))] = getattr(self, name)
            setattr(self, name, flags)
