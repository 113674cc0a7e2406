"""A state in parts, so that a checkpoint writes only what has changed: its root, and each of its tracked groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from makiserve.errors import StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.stage import State

ROOT = b"\x90"
"""The address of the part that holds everything but tracked groups. That of a group: its slot and its key."""

_pack, _unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


class Parts:
    """Takes the states of one tracked program apart, and joins them again.

    Nested groups belong to the group, or the root, that they are in.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        slots = checkpoints.scope.slots
        self._groups = {index: slot for index, slot in enumerate(slots, 1) if slot.touched is not None}

    @property
    def is_keyed(self) -> bool:
        """Whether all state is in tracked groups: then states of different keys do not touch each other."""
        return all(slot.touched is not None or not slot.is_kept for slot in self._checkpoints.scope.slots)

    def touched(self, state: State) -> int:
        """How many groups were used since they were last taken."""
        return sum(len(state[slot.touched or 0]) for slot in self._groups.values())

    def take(self, state: State, *, is_whole: bool) -> Iterator[tuple[bytes, bytes | None]]:
        """The root and the groups used since the last call: address and bytes of each, None where it is gone.

        Args:
            state: of a lane. Its groups count as unused afterwards.
            is_whole: whether to give all groups, used or not.

        Raises:
            StateError: a slot holds a value that has no code; the message names the operator.
        """
        checkpoints = self._checkpoints
        yield ROOT, _pack(checkpoints.to_plain(state, checkpoints.scope, is_root=True))
        for index, slot in self._groups.items():
            assert slot.child is not None and slot.touched is not None  # noqa: S101, PT018  what makes it tracked
            groups: dict[Any, State] = state[index]
            touched: set[Any] = state[slot.touched]
            for key in touched.union(groups) if is_whole else touched:
                group = groups.get(key)
                yield self._address(index, key), _pack(checkpoints.to_plain(group, slot.child)) if group else None
            touched.clear()

    def join(self, parts: Iterable[tuple[bytes, bytes]]) -> State:
        """The state of these parts, in any order.

        Raises:
            StateError: they are damaged, or the root is missing.
        """
        groups = dict(parts)
        try:
            root = _unpack(groups.pop(ROOT))
            state = self._checkpoints.from_plain(root, self._checkpoints.scope, None, is_root=True)
            for address, part in groups.items():
                self._put(state, address, _unpack(part))
        except (msgspec.DecodeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise StateError(
                f"a checkpoint of {len(groups)} groups is damaged: {type(error).__name__}: {error}"
            ) from error
        return state

    def _put(self, state: State, address: bytes, plain: Any) -> None:
        index, key = _unpack(address)
        child = self._groups[index].child
        assert child is not None  # noqa: S101  what makes it tracked
        state[index][self._checkpoints.codec.from_plain(key)] = self._checkpoints.from_plain(plain, child, state)

    def _address(self, index: int, key: Any) -> bytes:
        return _pack([index, self._checkpoints.codec.to_plain(_canonical(key))])


def _canonical(key: Any) -> Any:
    """One value for all keys that a dict takes for the same: 1, 1.0, True, numpy's 1."""
    if isinstance(key, np.generic):
        key = key.item()
    if isinstance(key, bool | float) and key == key // 1:
        return int(key)
    if type(key) is tuple:
        return tuple(map(_canonical, key))
    return key
