"""Checkpoints of the columnar engine: the bytes of rows, a block of groups at a time.

A block in columns is a map; groups that have moved to the row engine are in blocks of that engine, which are lists.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

import msgspec
import numpy as np

from makiserve.errors import StateError
from makiserve.stream.columns.compile import LANE, group_slots
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_bytes import GroupBytes, decode_rows, encode_rows
from makiserve.stream.columns.state import LaneState
from makiserve.stream.engine.checkpoint import Checkpoints, Size
from makiserve.stream.engine.codec import pack
from makiserve.stream.engine.parts import BLOCK as ROW_BLOCK
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.stage import State

BLOCK = 1024
"""Number of groups in a block: about two milliseconds."""

DAMAGES = (msgspec.DecodeError, LookupError, RecursionError, StopIteration, SyntaxError, TypeError, ValueError)
"""What decoding a damaged checkpoint may raise; numpy raises SyntaxError for the name of a type."""

ONE = np.zeros(1, np.int64)
"""The row of a lane's own scope."""

_unpack = msgspec.msgpack.decode


class ColumnCheckpoints:
    """Turns the states of one columnar program into bytes and back, whole or in parts.

    Args:
        program: the program whose states these are.
        types: structured types that a state may hold, in addition to those that the pipeline's functions can name.

    Attributes:
        types: all structured types that a state may hold.
    """

    def __init__(self, program: ColumnProgram, types: tuple[type, ...] = ()) -> None:
        self._program, self._compiled = program, program.compiled
        self._rows = Checkpoints(program.rows, types)
        self._row_parts = Parts(self._rows)
        self.types, self._codec = self._rows.types, self._rows.codec
        self._bytes = GroupBytes(self._compiled, self._codec)
        slots = group_slots(self._compiled.chain, program.rows.scope)
        self._tables = {slot: step.table for slot, step in slots.items()}

    @property
    def is_keyed(self) -> bool:
        """Return whether all state is in groups. If so, the states of different keys are independent."""
        return not self._compiled.layouts[LANE].stores

    def dump(self, state: LaneState) -> bytes:
        """Return the checkpoint of a state.

        Raises:
            StateError: a value has no code; the message names the operator.
        """
        self._program.catch_up(state)
        if state.is_foreign:
            return self._rows.seal({"rows": self._rows.to_plain(state.rows, self._rows.scope)})
        blocks = [self._root(state)]
        for slot, number in self._tables.items():
            blocks += self._blocks(state, slot, list(state.tables[number].index))
        return self._rows.seal({"columns": blocks})

    def load(self, checkpoint: bytes) -> LaneState:
        """Return the state of a checkpoint.

        Raises:
            StateError: it is damaged, of another format version, or of another plan.
        """
        content = self._rows.open(checkpoint)
        try:
            if "rows" in content:
                return self._foreign(self._rows.from_plain(content["rows"], self._rows.scope, None))
            return self._joined(content["columns"])
        except DAMAGES as error:
            raise StateError(f"a checkpoint of {len(checkpoint)} bytes is damaged: {error}") from error

    def take(self, state: LaneState, *, is_whole: bool) -> Iterator[bytes]:
        """Yield the root, and blocks of the groups used since the last call; see `Parts.take`.

        Args:
            state: a lane's state.
            is_whole: whether to take all groups, used or not.

        Raises:
            StateError: an object has no code; the message names the operator.
        """
        self._program.catch_up(state)
        if state.is_foreign:
            yield from self._row_parts.take(state.rows, is_whole=is_whole)
            return
        if self._has_root:
            yield self._root(state)
        due = {slot: state.tables[number].due(BLOCK, is_whole=is_whole) for slot, number in self._tables.items()}
        for slot, blocks in due.items():
            for keys in blocks:
                yield from self._blocks(state, slot, keys)

    def join(self, blocks: Iterable[bytes]) -> LaneState:
        """Return the state that consists of these blocks.

        Raises:
            StateError: a block is damaged, or the root is missing.
        """
        try:
            return self._joined(list(blocks))
        except DAMAGES as error:
            raise StateError(f"a block of a checkpoint is damaged: {type(error).__name__}: {error}") from error

    def keys(self, block: bytes) -> list[Any]:
        """Return the keys of the groups in a block.

        Raises:
            StateError: it is damaged.
        """
        try:
            content = _unpack(block)
            return (
                self._codec.from_plains(content["keys"]) if isinstance(content, dict) else self._row_parts.keys(block)
            )
        except DAMAGES as error:
            raise StateError(f"a block of a checkpoint is damaged: {type(error).__name__}: {error}") from error

    def sizes(self, state: LaneState, sample: int = sys.maxsize) -> dict[str, Size]:
        """Return the size of each operator's state in bytes of a checkpoint, by the operator's place in the pipeline.

        Args:
            state: a lane's state.
            sample: the number of an operator's groups to measure; if there are more, the size is estimated.
        """
        self._program.catch_up(state)
        if state.is_foreign:
            return self._rows.sizes(state.rows, sample)
        sizes: dict[str, Size] = {}
        for layout, table in zip(self._compiled.layouts, state.tables, strict=True):
            rows = np.array([row for _, row in islice(table.groups(), sample)], np.int64)
            share = len(table) / max(1, len(rows))
            for owner, store in zip(layout.owners, table.stores, strict=True):
                size = len(pack(encode_rows([store], rows, self._codec))) * share
                sizes[owner] = Size(0, sizes.get(owner, Size(0, 0)).size_bytes + round(size))
        for step in self._compiled.groups.values():
            keys = [key for key, _ in islice(state.tables[step.table].groups(), sample)]
            count = len(state.tables[step.table])
            size = len(pack(self._codec.to_plains(keys))) * count / max(1, len(keys))
            sizes[step.path] = Size(count, round(size))
        return sizes

    @property
    def _has_root(self) -> bool:
        return not self.is_keyed or len(self._tables) > 1

    def _root(self, state: LaneState) -> bytes:
        return pack({"root": encode_rows(state.tables[LANE].stores, ONE, self._codec)})

    def _blocks(self, state: LaneState, slot: int, keys: list[Any]) -> Iterator[bytes]:
        """Yield the blocks of some groups, in the form of the engine that has them; they count as unused."""
        self._program.catch_up(state)
        if state.is_foreign:  # since the groups were chosen
            yield from self._row_blocks(state, slot, keys)
            return
        table = state.tables[self._tables[slot]]
        gone = [key for key in keys if key not in table.index]
        if gone:
            yield pack({"slot": slot, "keys": self._codec.to_plains(gone), "rows": None})
            keys = [key for key in keys if key in table.index]
        rows, _ = table.find(keys)
        table.is_touched[rows] = False
        changes = np.flatnonzero(np.diff(table.is_foreign[rows])) + 1  # blocks keep the order of the groups
        for start, end in pairwise([0, *changes.tolist(), len(keys)]):
            some, at = keys[start:end], rows[start:end]
            if len(at) and table.is_foreign[at[0]]:
                yield from self._row_blocks(state, slot, some)
            elif some:
                content = self._bytes.encode(state.tables, self._tables[slot], at)
                yield pack({"slot": slot, "keys": self._codec.to_plains(some), "rows": content})

    def _row_blocks(self, state: LaneState, slot: int, keys: list[Any]) -> Iterator[bytes]:
        for start in range(0, len(keys), ROW_BLOCK):
            yield self._row_parts.block(state.rows, slot, keys[start : start + ROW_BLOCK])

    def _foreign(self, rows: State) -> LaneState:
        state = LaneState(self._compiled.tables(), rows)
        state.is_foreign = True
        return state

    def _joined(self, blocks: Sequence[bytes]) -> LaneState:
        contents = [_unpack(block) for block in blocks]
        roots = [content for content in contents if len(content) == 1]
        if self._has_root and isinstance(roots[-1], list):
            pairs = zip(blocks, contents, strict=True)
            return self._foreign(self._row_parts.join(block for block, content in pairs if isinstance(content, list)))
        state = self._program.new_state()
        for content in contents:
            if isinstance(content, list):
                self._put_foreign(state, *content)
            elif "root" in content:
                decode_rows(state.tables[LANE].stores, ONE, content["root"], self._codec)
            else:
                self._put(state, self._tables[content["slot"]], content["keys"], content["rows"])
        return state

    def _put(self, state: LaneState, number: int, plain: Any, content: Any) -> None:
        """Put groups into a state; without content they are gone."""
        table, keys = state.tables[number], self._codec.from_plains(plain)
        if content is not None:
            rows, _ = table.find(keys)
            self._bytes.decode(state.tables, number, rows, content)
            return
        gone = [table.index.pop(key) for key in keys if key in table.index]
        self._compiled.groups[number].release(state.tables, gone)
        table.release(gone)

    def _put_foreign(self, state: LaneState, slot: int, keys: Any, groups: Sequence[Any]) -> None:
        table = state.tables[self._tables[slot]]
        for key, group in zip(self._codec.from_plains(keys), groups, strict=True):
            if group is None:
                continue  # a failed record named it
            rows, _ = table.find([key])
            table.is_foreign[rows] = True
            self._row_parts.put(state.rows, slot, key, group)
