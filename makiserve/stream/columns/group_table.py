"""Tables: the state of all groups of a scope, and the rows of their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise, repeat
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, objects
from makiserve.stream.columns.store import Store, extended

FIRST_CAPACITY = 8

LONG_RUN = 8
"""From this mean number of keys in a row with the same parent on, it is faster to find those of a run together."""

TOP = 0
"""The row of a lane's scope in its own table, which contains the outermost groups."""

NEW = -1
"""Stands for the row of a key that has none yet."""


class Table:
    """The state of a scope: a row for each group, and a store for each operator that keeps state.

    Args:
        stores: makers of the stores.
        is_tracked: whether to note the key of each row, and the keys of removed groups in `removed`.

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
        self._keys = np.empty(0, object)
        self._is_in_order = True  # whether rows ascend in the order in which the keys were first seen
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

    def find(self, keys: Sequence[Any], parents: Array | None = None) -> tuple[Array, list[tuple[int, Any]]]:
        """Return the row of each key, and the groups that have been added for it.

        Args:
            keys: the keys.
            parents: for each key the row of the enclosing group; None if the groups are the outermost ones.

        Raises:
            TypeError: a key cannot be hashed. No group is added.
        """
        if parents is not None:
            return self._find_inside(keys, parents)
        rows, added = self._find_in(self.index, keys)
        if added and self._is_tracked:
            self._keys[[self.index[key] for key in added]] = objects(added).values
        return rows, [(TOP, key) for key in added]

    def forget(self, added: Sequence[tuple[int, Any]]) -> None:
        """Remove the groups that were added last; nothing was written to their rows."""
        for parent, key in reversed(added):
            self._free.append(self.members[parent].pop(key))

    def allocate(self, count: int) -> list[int]:
        """Return rows that hold the first content."""
        reused = [self._free.pop() for _ in range(min(count, len(self._free)))]
        self._is_in_order = self._is_in_order and not reused
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

    def put(self, parent: int, key: Any, row: int) -> None:
        """Give a group a row, whatever the rows of the groups before it are."""
        self._is_in_order = False
        self.members[parent][key] = row
        if self._is_tracked:
            self._keys[row] = key

    def note_removed(self, keys: Iterable[Any]) -> None:
        """Note that groups were removed."""
        if self._is_tracked:
            self.removed.update(keys)

    def due(self, size: int, *, is_whole: bool) -> Iterator[list[Any]]:
        """Return the keys of groups used or removed since the last call, or of all groups; none is due afterwards.

        Args:
            size: the number of keys to yield at a time. Keys of groups that are removed meanwhile are among them.
            is_whole: whether to return the keys of all groups.
        """
        rows: Sequence[int] | Array = list(self.index.values()) if is_whole else self._touched_rows()
        removed, self.removed = self.removed, set()
        self.is_touched[:] = False
        return chain(_named(rows, self._keys, size), self._gone(removed, size))

    def _touched_rows(self) -> Array:
        """Return the rows that were used, in the order in which the keys were first seen."""
        if self._is_in_order:
            return np.flatnonzero(self.is_touched)
        rows = np.fromiter(self.index.values(), np.int64, len(self.index))
        return rows[self.is_touched[rows]]

    def _gone(self, removed: Iterable[Any], size: int) -> Iterator[list[Any]]:
        keys = (key for key in removed if key not in self.index)
        while some := list(islice(keys, size)):
            yield some

    def _find_inside(self, keys: Sequence[Any], parents: Array) -> tuple[Array, list[tuple[int, Any]]]:
        members, added = self.members, list[tuple[int, Any]]()
        firsts = np.flatnonzero(np.diff(parents, prepend=-1))
        if len(firsts) * LONG_RUN <= len(keys):
            parts = [np.empty(0, np.int64)]
            for first, end in pairwise([*firsts.tolist(), len(keys)]):
                parent, names = int(parents[first]), keys[first:end]
                found, new = self._find_in(members.setdefault(parent, {}), names)
                added += [(parent, key) for key in new]
                parts.append(found)
            return np.concatenate(parts), added
        rows: list[int] = []
        for parent, key in zip(parents.tolist(), keys, strict=True):
            groups = members.get(parent)
            if groups is None:
                groups = members[parent] = {}
            row = groups.get(key)
            if row is None:
                (row,) = self.allocate(1)
                groups[key] = row
                added.append((parent, key))
            rows.append(row)
        return np.array(rows, np.int64), added

    def _find_in(self, inside: dict[Any, int], keys: Sequence[Any]) -> tuple[Array, list[Any]]:
        """Return the row of each key of an enclosing group, and the keys that have been added."""
        rows = np.fromiter(map(inside.get, keys, repeat(NEW)), np.int64, len(keys))
        at = np.flatnonzero(rows == NEW)
        if not len(at):
            return rows, []
        new = [keys[index] for index in at.tolist()]
        added = list(dict.fromkeys(new))
        inside.update(zip(added, self.allocate(len(added)), strict=True))
        rows[at] = list(map(inside.__getitem__, new))
        return rows, added

    def _grow(self, rows: int) -> None:
        before = self._capacity
        self._capacity = max(FIRST_CAPACITY, before + before // 4, rows)
        for store in self.stores:
            store.grow(self._capacity)
        more = np.zeros(self._capacity - before, np.bool_)
        self.is_touched = np.concatenate((self.is_touched, more))
        self.is_foreign = np.concatenate((self.is_foreign, more))
        if self._is_tracked:
            keys = [self._keys]
            del self._keys  # otherwise it could not grow in place
            self._keys = extended(keys, np.empty(len(more), object))


def _named(rows: Sequence[int] | Array, keys: Array, size: int) -> Iterator[list[Any]]:
    """Yield the keys of rows, `size` at a time."""
    for start in range(0, len(rows), size):
        yield keys[rows[start : start + size]].tolist()
