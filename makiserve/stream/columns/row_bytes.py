"""Rows of stores and groups as plain values, and back: the bytes of the arrays' memory, MessagePack for objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, objects
from makiserve.stream.columns.compile import Compiled
from makiserve.stream.columns.group_table import Table
from makiserve.stream.columns.list_store import ListStore
from makiserve.stream.columns.store import Store
from makiserve.stream.engine.codec import Codec

OBJECT = np.dtype(object)


def encode_rows(stores: Sequence[Store], rows: Array, codec: Codec) -> list[Any]:
    """Return these rows of each store: the types of its arrays, and their content; of lists, lengths and items.

    Raises:
        StateError: an object has no code.
    """
    return [_encoded_store(store, rows, codec) for store in stores]


def decode_rows(stores: Sequence[Store], rows: Array, encoded: Iterable[Any], codec: Codec) -> None:
    """Write the rows that `encode_rows` returned.

    Raises:
        StateError: an object names a type that the pipeline does not name.
        ValueError, TypeError: the content is damaged.
    """
    for store, (kinds, contents) in zip(stores, encoded, strict=True):
        if isinstance(store, ListStore):
            decode_rows(store.columns, _restored_places(store, rows, kinds, contents), contents, codec)
            continue
        store.restore(kinds)
        pairs = zip(kinds[len(kinds) - len(contents) :], contents, strict=True)
        store.put_decoded(rows, [_decoded(kind, content, len(rows), codec) for kind, content in pairs])


def _encoded_store(store: Store, rows: Array, codec: Codec) -> list[Any]:
    if isinstance(store, ListStore):
        return [store.lengths(rows).tobytes(), encode_rows(store.columns, store.places(rows), codec)]
    return [store.kinds, [_encoded(array[rows], codec) for array in store.saved]]


def _restored_places(store: ListStore, rows: Array, encoded: bytes, columns: Sequence[Any]) -> Array:
    """Return the places of the items of lists, for which room is made.

    Args:
        store: the lists.
        rows: their rows.
        encoded: their lengths.
        columns: their items, of which the first column has 8 bytes for each.

    Raises:
        ValueError: the lengths do not fit the rows, or the items.
    """
    lengths, count = np.frombuffer(encoded, np.int64), len(columns[0][1][0]) // 8
    if len(lengths) != len(rows) or ((lengths < 0) | (lengths > count)).any() or lengths.sum() != count:
        raise ValueError(f"{len(rows)} lists of {count} items have other lengths")
    return store.with_lengths(rows, lengths)


def _encoded(values: Array, codec: Codec) -> Any:
    return codec.to_plains(values.ravel().tolist()) if values.dtype == OBJECT else values.tobytes()


def _decoded(kind: Sequence[Any], content: Any, count: int, codec: Codec) -> Array:
    dtype, width = np.dtype(kind[0]), kind[1]
    if dtype == OBJECT:
        return objects(codec.from_plains(content)).values.reshape(count, width)
    values = np.frombuffer(content, dtype) if content else np.empty(0, dtype)
    return values.reshape(count, width)


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
