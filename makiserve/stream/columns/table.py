"""Tables: the state of all groups of a scope, and the rows of their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.store import Store

FIRST_CAPACITY = 8

TOP = 0
"""The row of a lane's scope in its own table, which contains the outermost groups."""


class Table:
    """The state of a scope: a row for each group, and a store for each operator that keeps state.

    Args:
        stores: makers of the stores.
        is_tracked: whether to note the keys of removed groups in `removed`.

    Attributes:
        members: for each row of the enclosing scope's table, the row of each key inside, in the order in which the
            keys were first seen.
        is_touched: for each row whether it was used since its flag was last cleared.
        is_foreign: for each row whether the row engine has the group's state instead.
        removed: keys of groups that were removed, for checkpoints. A key may have come back since.
    """

    def __init__(self, stores: Sequence[Callable[[], Store]], *, is_tracked: bool = False) -> None:
        self.stores = [make() for make in stores]
        self.members: dict[int, dict[Any, int]] = {TOP: {}}
        self.removed: set[Any] = set()
        self._is_tracked = is_tracked
        self._capacity = self._used = 0
        self._free: list[int] = []
        self.is_touched = np.zeros(0, np.bool_)
        self.is_foreign = np.zeros(0, np.bool_)

    @property
    def index(self) -> dict[Any, int]:
        """The row of each key of the outermost groups."""
        return self.members[TOP]

    def __len__(self) -> int:
        return self._used - len(self._free)

    def groups(self) -> Iterator[tuple[Any, int]]:
        """Yield key and row of every group."""
        for inside in self.members.values():
            yield from inside.items()

    def find(self, keys: Sequence[Any], parents: Iterable[int] | None = None) -> tuple[Array, list[tuple[int, Any]]]:
        """Return the row of each key, and the groups that have been added for it.

        Args:
            keys: the keys.
            parents: for each key the row of the enclosing group; None if the groups are the outermost ones.

        Raises:
            TypeError: a key cannot be hashed. No group is added.
        """
        if parents is not None:
            return self._find_inside(keys, parents)
        index = self.index
        added = [key for key in dict.fromkeys(keys) if key not in index]
        if added:
            index.update(zip(added, self.allocate(len(added)), strict=True))
        return np.fromiter(map(index.__getitem__, keys), np.int64, len(keys)), [(TOP, key) for key in added]

    def forget(self, added: Sequence[tuple[int, Any]]) -> None:
        """Remove the groups that were added last; nothing was written to their rows."""
        for parent, key in reversed(added):
            self._free.append(self.members[parent].pop(key))

    def allocate(self, count: int) -> list[int]:
        """Return rows that hold the first content."""
        reused = [self._free.pop() for _ in range(min(count, len(self._free)))]
        new = range(self._used, self._used + count - len(reused))
        self._used = new.stop
        if self._used > self._capacity:
            self._grow(self._used)
        return [*reused, *new]

    def give_back(self, rows: Sequence[int]) -> None:
        """Take back rows that were allocated; nothing was written to them."""
        self._free += rows

    def release(self, rows: Sequence[int]) -> None:
        """Reset rows that are not needed any more, and keep them for other groups."""
        at = np.array(rows, np.int64)
        for store in self.stores:
            store.reset(at)
        self.is_touched[at] = self.is_foreign[at] = False
        self._free += rows

    def note_removed(self, keys: Iterable[Any]) -> None:
        """Note that groups were removed."""
        if self._is_tracked:
            self.removed.update(keys)

    def due(self, *, is_whole: bool) -> list[Any]:
        """Return the keys of groups used or removed since the last call, or of all groups; none is due afterwards."""
        keys = list(self.index)
        if not is_whole:
            rows = np.fromiter(self.index.values(), np.int64, len(keys))
            keys = list(compress(keys, self.is_touched[rows].tolist()))
        keys += [key for key in self.removed if key not in self.index]
        self.removed.clear()
        self.is_touched[:] = False
        return keys

    def _find_inside(self, keys: Sequence[Any], parents: Iterable[int]) -> tuple[Array, list[tuple[int, Any]]]:
        members, rows, added = self.members, list[int](), list[tuple[int, Any]]()
        for parent, key in zip(parents, keys, strict=True):
            inside = members.get(parent)
            if inside is None:
                inside = members[parent] = {}
            row = inside.get(key)
            if row is None:
                (row,) = self.allocate(1)
                inside[key] = row
                added.append((parent, key))
            rows.append(row)
        return np.array(rows, np.int64), added

    def _grow(self, rows: int) -> None:
        self._capacity = max(FIRST_CAPACITY, 2 * self._capacity, rows)
        for store in self.stores:
            store.grow(self._capacity)
        for name in ("is_touched", "is_foreign"):
            flags = np.zeros(self._capacity, np.bool_)
            flags[: len(getattr(self, name))] = getattr(self, name)
            setattr(self, name, flags)
