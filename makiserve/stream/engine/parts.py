"""The state in parts, its root and each tracked group, so that a checkpoint writes only the parts that have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from makiserve.errors import StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.codec import pack
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import State

ROOT = b"\x90"
"""The address of the root: everything except tracked groups. A group's address is its slot and its key."""

_unpack = msgspec.msgpack.decode


class Parts:
    """Splits the states of one tracked program into parts, and joins them again.

    A nested group belongs to the group or the root that contains it.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        slots = checkpoints.scope.slots
        self._groups = {index: slot for index, slot in enumerate(slots, 1) if slot.touched is not None}

    @property
    def is_keyed(self) -> bool:
        """Whether all state is in tracked groups. If so, the states of different keys are independent."""
        return all(slot.touched is not None or not slot.is_kept for slot in self._checkpoints.scope.slots)

    def touched(self, state: State) -> int:
        """The number of groups used since the last `take`."""
        return sum(len(state[slot.touched or 0]) for slot in self._groups.values())

    def take(self, state: State, *, is_whole: bool) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield address and bytes of the root and of each group used since the last call; None if the group is gone.

        Args:
            state: a lane's state. Its groups count as unused afterwards.
            is_whole: whether to return all groups, used or not.

        Raises:
            StateError: a slot holds a value that has no code; the message names the operator.
        """
        checkpoints = self._checkpoints
        yield ROOT, pack(checkpoints.to_plain(state, checkpoints.scope, is_root=True))
        for index, slot in self._groups.items():
            assert slot.touched is not None  # noqa: S101  what makes it tracked
            groups: dict[Any, State] = state[index]
            touched: set[Any] = state[slot.touched]
            for key in touched.union(groups) if is_whole else touched:
                yield self.address(index, key), self.group(state, index, key) if key in groups else None
            touched.clear()

    def join(self, parts: Iterable[tuple[bytes, bytes]]) -> State:
        """Return the state that consists of these parts, given in any order.

        Raises:
            StateError: a part is damaged, or the root is missing.
        """
        groups = dict(parts)
        try:
            root = _unpack(groups.pop(ROOT))
            state = self._checkpoints.from_plain(root, self._checkpoints.scope, None, is_root=True)
            for address, part in groups.items():
                index, key = _unpack(address)
                self.put(state, index, self._checkpoints.codec.from_plain(key), part)
        except (msgspec.DecodeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise StateError(
                f"a checkpoint of {len(groups)} groups is damaged: {type(error).__name__}: {error}"
            ) from error
        return state

    def group(self, state: State, index: int, key: Any) -> bytes:
        """Return the bytes of a group, the slot of which has this index."""
        return pack(self._checkpoints.to_plain(state[index][key], self._child(index)))

    def put(self, state: State, index: int, key: Any, part: bytes) -> None:
        """Put a group into a state."""
        state[index][key] = self._checkpoints.from_plain(_unpack(part), self._child(index), state)

    def _child(self, index: int) -> Scope:
        child = self._checkpoints.scope.slots[index - 1].child
        assert child is not None  # noqa: S101  what makes it a slot of groups
        return child

    def address(self, index: int, key: Any) -> bytes:
        """Return the address of a group, the slot of which has this index."""
        return pack([index, self._checkpoints.codec.to_plain(_canonical(key))])


def _canonical(key: Any) -> Any:
    """One value for all keys that a dict takes for the same: 1, 1.0, True, numpy's 1."""
    if isinstance(key, np.generic):
        key = key.item()
    if isinstance(key, bool | float) and key == key // 1:
        return int(key)
    if type(key) is tuple:
        return tuple(map(_canonical, key))
    return key
