"""Groups as plain values, with the groups inside them, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.compile import Compiled
from makiserve.stream.columns.group_table import Table
from makiserve.stream.columns.row_bytes import decode_rows, encode_rows
from makiserve.stream.engine.codec import Codec


class GroupBytes:
    """Encodes rows of tables: their stores, and for each `group_by` inside the number, keys and rows of its groups.

    Args:
        compiled: the plan.
        codec: for objects and keys.
    """

    def __init__(self, compiled: Compiled, codec: Codec) -> None:
        self._groups, self._codec = compiled.groups, codec

    def encode(self, tables: Sequence[Table], number: int, rows: Array) -> list[Any]:
        """Return the content of these rows of a table.

        Raises:
            StateError: an object has no code.
        """
        inside = []
        for step in self._groups[number].inside:
            members = [tables[step.table].members.get(row, {}) for row in rows.tolist()]
            keys = self._codec.to_plains([key for groups in members for key in groups])
            at = np.array([row for groups in members for row in groups.values()], np.int64)
            inside.append([list(map(len, members)), keys, self.encode(tables, step.table, at)])
        return [encode_rows(tables[number].stores, rows, self._codec), inside]

    def decode(self, tables: Sequence[Table], number: int, rows: Array, content: Any) -> None:
        """Write what `encode` returned into rows of a table; the groups that were inside them are removed.

        Raises:
            StateError: an object names a type that the pipeline does not name.
            ValueError, TypeError: the content is damaged.
        """
        stores, inside = content
        step = self._groups[number]
        step.release(tables, rows.tolist())
        if not len(rows):
            return
        decode_rows(tables[number].stores, rows, stores, self._codec)
        for inner, (counts, plain, groups) in zip(step.inside, inside, strict=True):
            keys = self._codec.from_plains(plain)
            if sum(counts) != len(keys):
                raise ValueError(f"{sum(counts)} groups have {len(keys)} keys")
            members, _ = tables[inner.table].find(keys, np.repeat(rows, counts))
            self.decode(tables, inner.table, members, groups)
