"""Checkpoints of the columnar engine: the bytes of rows.

The parts of a state have the addresses that they have in the row engine, so that a state which moves there replaces
its own parts. A part in columns begins with a byte that MessagePack never uses, and with the number of the types that
the arrays had when it was written; the root lists these types.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from makiserve.errors import StateError
from makiserve.stream.columns.compile import LANE
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_bytes import decode_rows, encode_rows
from makiserve.stream.columns.state import Kinds, LaneState
from makiserve.stream.columns.table import Table
from makiserve.stream.engine.checkpoint import Checkpoints, Size
from makiserve.stream.engine.parts import ROOT, Parts
from makiserve.stream.engine.stage import State

IN_COLUMNS = b"\xc1"
HEAD_BYTES = len(IN_COLUMNS) + 2
BLOCK = 4096
"""Number of groups that are encoded together."""

DAMAGES = (msgspec.DecodeError, LookupError, RecursionError, StopIteration, SyntaxError, TypeError, ValueError)
"""What decoding a damaged checkpoint may raise; numpy raises SyntaxError for the name of a type."""

_pack, _unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


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
        self._tables = {slot: step.table for slot, step in self._compiled.group_slots(program.rows.scope).items()}

    @property
    def is_keyed(self) -> bool:
        """Whether all state is in groups. If so, the states of different keys are independent."""
        return not self._compiled.layouts[LANE].stores

    def touched(self, state: LaneState) -> int:
        """The number of groups used since the last `take`."""
        if state.is_foreign:
            return self._row_parts.touched(state.rows)
        return sum(int(state.tables[table].is_touched.sum()) for table in self._tables.values())

    def dump(self, state: LaneState) -> bytes:
        """Return the checkpoint of a state.

        Raises:
            StateError: a value has no code; the message names the operator.
        """
        if state.is_foreign:
            return self._rows.seal({"rows": self._rows.to_plain(state.rows, self._rows.scope)})
        return self._rows.seal({"columns": list(self._every_part(state))})

    def load(self, checkpoint: bytes) -> LaneState:
        """Return the state of a checkpoint.

        Raises:
            StateError: it is damaged, of another format version, or of another plan.
        """
        content = self._rows.open(checkpoint)
        try:
            if "rows" in content:
                return self._foreign(self._rows.from_plain(content["rows"], self._rows.scope, None))
            return self.join((address, part) for address, part in content["columns"])
        except DAMAGES as error:
            raise StateError(f"a checkpoint of {len(checkpoint)} bytes is damaged: {error}") from error

    def take(self, state: LaneState, *, is_whole: bool) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield address and bytes of the root and of each group used since the last call.

        Args:
            state: a lane's state. Its groups count as unused afterwards.
            is_whole: whether to return all groups, used or not.

        Raises:
            StateError: an object has no code; the message names the operator.
        """
        if state.is_foreign:
            yield from self._row_parts.take(state.rows, is_whole=is_whole)
            return
        used = {slot: self._used(state.tables[table], is_whole=is_whole) for slot, table in self._tables.items()}
        state.note_kinds()
        for table in self._tables.values():
            state.tables[table].is_touched[:] = False
        yield ROOT, self._root(state, state.kinds)
        for slot, keys in used.items():
            yield from self._groups(state, slot, keys, len(state.kinds[self._tables[slot]]) - 1)

    def join(self, parts: Iterable[tuple[bytes, bytes]]) -> LaneState:
        """Return the state that consists of these parts, given in any order.

        Raises:
            StateError: a part is damaged, or the root is missing.
        """
        groups = dict(parts)
        try:
            if isinstance(_unpack(groups[ROOT]), list):
                return self._foreign(self._row_parts.join(groups.items()))
            return self._joined(groups)
        except DAMAGES as error:
            raise StateError(
                f"a checkpoint of {len(groups)} groups is damaged: {type(error).__name__}: {error}"
            ) from error

    def sizes(self, state: LaneState, sample: int = sys.maxsize) -> dict[str, Size]:
        """Return the size of each operator's state in bytes of a checkpoint, by the operator's place in the pipeline.

        Args:
            state: a lane's state.
            sample: the number of an operator's groups to measure; if there are more, the size is estimated.
        """
        if state.is_foreign:
            return self._rows.sizes(state.rows, sample)
        found: dict[str, Size] = {}
        for layout, table in zip(self._compiled.layouts, state.tables, strict=True):
            rows = np.arange(min(len(table.index), sample))
            share = len(table.index) / max(1, len(rows))
            for owner, store in zip(layout.owners, table.stores, strict=True):
                size = sum(map(len, encode_rows([store], rows, self._codec))) * share
                found[owner] = Size(0, found.get(owner, Size(0, 0)).size_bytes + round(size))
        for step in self._compiled.groups:
            keys = list(islice(state.tables[step.table].index, sample))
            count = len(state.tables[step.table].index)
            size = sum(len(_pack(self._codec.to_plain(key))) for key in keys) * count / max(1, len(keys))
            found[step.path] = Size(count, round(size))
        return found

    def _every_part(self, state: LaneState) -> Iterator[tuple[bytes, bytes | None]]:
        yield ROOT, self._root(state, [[kinds] for kinds in state.current_kinds()])
        for slot, table in self._tables.items():
            yield from self._groups(state, slot, list(state.tables[table].index), 0)

    def _used(self, table: Table, *, is_whole: bool) -> list[Any]:
        if is_whole:
            return list(table.index)
        touched = table.is_touched
        return [key for key, row in table.index.items() if touched[row]]

    def _root(self, state: LaneState, kinds: Sequence[Sequence[Kinds]]) -> bytes:
        (row,) = encode_rows(state.tables[LANE].stores, np.zeros(1, np.int64), self._codec)
        return _pack({"kinds": kinds, "row": row})

    def _groups(
        self, state: LaneState, slot: int, keys: list[Any], version: int
    ) -> Iterator[tuple[bytes, bytes | None]]:
        table = state.tables[self._tables[slot]]
        head = IN_COLUMNS + version.to_bytes(HEAD_BYTES - len(IN_COLUMNS), "big")
        for start in range(0, len(keys), BLOCK):
            block = keys[start : start + BLOCK]
            rows = np.fromiter((table.index[key] for key in block), np.int64, len(block))
            contents = encode_rows(table.stores, rows, self._codec)
            for key, content, is_foreign in zip(block, contents, table.is_foreign[rows].tolist(), strict=True):
                address = self._row_parts.address(slot, key)
                yield address, self._row_parts.group(state.rows, slot, key) if is_foreign else head + content

    def _foreign(self, rows: State) -> LaneState:
        state = LaneState(self._compiled.tables(), rows)
        state.is_foreign = True
        return state

    def _joined(self, groups: dict[bytes, bytes]) -> LaneState:
        state = self._program.new_state()
        root = _unpack(groups.pop(ROOT))
        state.kinds = root["kinds"]
        for table, kinds in zip(state.tables, state.kinds, strict=True):
            for store, kind in zip(table.stores, kinds[-1] if kinds else (), strict=False):
                store.restore(kind)
        self._put(state.tables[LANE], np.zeros(1, np.int64), state.kinds[LANE][-1], [root["row"]])
        versions: dict[tuple[int, int], list[tuple[Any, bytes]]] = defaultdict(list)
        for address, part in groups.items():
            slot, key = _unpack(address)
            key, number = self._codec.from_plain(key), self._tables[slot]
            table = state.tables[number]
            rows, _ = table.find([key])
            if part[:1] != IN_COLUMNS:
                self._row_parts.put(state.rows, slot, key, part)
                table.is_foreign[rows] = True
            else:
                version = int.from_bytes(part[1:HEAD_BYTES], "big")
                versions[number, version].append((rows[0], part[HEAD_BYTES:]))
        for (number, version), found in versions.items():
            places = np.array([row for row, _ in found], np.int64)
            self._put(state.tables[number], places, state.kinds[number][version], [part for _, part in found])
        return state

    def _put(self, table: Table, rows: Any, kinds: Kinds, parts: Sequence[bytes]) -> None:
        for store, content in zip(table.stores, decode_rows(kinds, parts, self._codec), strict=True):
            store.put_decoded(rows, content)
