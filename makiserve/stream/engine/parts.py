"""The state in blocks of groups, so that a checkpoint writes only what has changed and never takes long at a time.

A block holds some groups, or the root: everything except tracked groups. Blocks are given in the order in which they
were taken; a group in a later block replaces the one in an earlier block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from makiserve.errors import StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.codec import pack
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import State

BLOCK = 16
"""Number of groups in a block. A group of large windows takes some hundred microseconds."""

DAMAGES = (msgspec.DecodeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading a damaged block may raise."""

_unpack = msgspec.msgpack.decode


class Parts:
    """Splits the states of one tracked program into blocks, and joins them again.

    A nested group belongs to the group or the root that contains it.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        slots = checkpoints.scope.slots
        self._groups = {index: slot for index, slot in enumerate(slots, 1) if slot.touched is not None}

    @property
    def is_keyed(self) -> bool:
        """Return whether all state is in tracked groups. If so, the states of different keys are independent."""
        return all(slot.touched is not None or not slot.is_kept for slot in self._checkpoints.scope.slots)

    @property
    def _has_root(self) -> bool:
        return not self.is_keyed or len(self._groups) > 1

    def take(self, state: State, *, is_whole: bool) -> Iterator[bytes]:
        """Yield the root, and blocks of the groups used since the last call.

        A block is encoded when it is asked for, and its groups count as unused afterwards. If the state changes
        meanwhile, each block holds what its groups are then.

        Args:
            state: a lane's state.
            is_whole: whether to take all groups, used or not.

        Raises:
            StateError: a slot holds a value that has no code; the message names the operator.
        """
        if self._has_root:
            yield pack([self._checkpoints.to_plain(state, self._checkpoints.scope, is_root=True)])
        for index, slot in self._groups.items():
            touched: set[Any] = state[slot.touched or 0]
            due = [*state[index], *(touched - state[index].keys())] if is_whole else list(touched)
            touched.clear()
            for start in range(0, len(due), BLOCK):
                keys = due[start : start + BLOCK]
                touched.difference_update(keys)
                yield self.block(state, index, keys)

    def join(self, blocks: Iterable[bytes]) -> State:
        """Return the state that consists of these blocks.

        Raises:
            StateError: a block is damaged, or the root is missing.
        """
        try:
            plain = [_unpack(block) for block in blocks]
            state = self._rooted([content[0] for content in plain if len(content) == 1])
            for index, groups in self._newest(content for content in plain if len(content) > 1).items():
                for key, group in groups.items():
                    self.put(state, index, key, group)
        except DAMAGES as error:
            raise StateError(f"a block of a checkpoint is damaged: {type(error).__name__}: {error}") from error
        return state

    def keys(self, block: bytes) -> list[Any]:
        """Return the keys of the groups in a block.

        Raises:
            StateError: it is damaged.
        """
        try:
            _, keys, _ = _unpack(block)
            return self._checkpoints.codec.from_plains(keys)
        except DAMAGES as error:
            raise StateError(f"a block of a checkpoint is damaged: {type(error).__name__}: {error}") from error

    def block(self, state: State, index: int, keys: Sequence[Any]) -> bytes:
        """Return the block of some groups, the slot of which has this index; a group that is gone is None."""
        checkpoints, groups, child = self._checkpoints, state[index], self._child(index)
        contents = [checkpoints.to_plain(groups[key], child) if key in groups else None for key in keys]
        return pack([index, checkpoints.codec.to_plains(keys), contents])

    def put(self, state: State, index: int, key: Any, plain: Any) -> None:
        """Put a group, as a block holds it, into a state."""
        state[index][key] = self._checkpoints.from_plain(plain, self._child(index), state)

    def _newest(self, blocks: Iterable[list[Any]]) -> dict[int, dict[Any, Any]]:
        """Return the last content of each group that is not gone, by slot and key."""
        newest: dict[int, dict[Any, Any]] = {index: {} for index in self._groups}
        for index, keys, contents in blocks:
            groups = newest[index]
            for key, group in zip(self._checkpoints.codec.from_plains(keys), contents, strict=True):
                if group is None:
                    groups.pop(key, None)
                else:
                    groups[key] = group
        return newest

    def _rooted(self, roots: list[Any]) -> State:
        scope = self._checkpoints.scope
        if not self._has_root:
            return scope.new()
        return self._checkpoints.from_plain(roots[-1], scope, None, is_root=True)

    def _child(self, index: int) -> Scope:
        child = self._checkpoints.scope.slots[index - 1].child
        assert child is not None  # noqa: S101  what makes it a slot of groups
        return child
