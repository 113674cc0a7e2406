"""Rows of stores as plain values, and back: the bytes of the arrays' memory, and MessagePack for objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, objects
from makiserve.stream.columns.store import Store
from makiserve.stream.engine.codec import Codec

OBJECT = np.dtype(object)


def encode_rows(stores: Sequence[Store], rows: Array, codec: Codec) -> list[Any]:
    """Return these rows of each store: the types of its arrays, and their content.

    Raises:
        StateError: an object has no code.
    """
    return [[store.kinds, [_encoded(array[rows], codec) for array in store.saved]] for store in stores]


def decode_rows(stores: Sequence[Store], rows: Array, encoded: Iterable[Any], codec: Codec) -> None:
    """Write the rows that `encode_rows` returned.

    Raises:
        StateError: an object names a type that the pipeline does not name.
        ValueError, TypeError: the content is damaged.
    """
    for store, (kinds, contents) in zip(stores, encoded, strict=True):
        store.restore(kinds)
        pairs = zip(kinds[len(kinds) - len(contents) :], contents, strict=True)
        store.put_decoded(rows, [_decoded(kind, content, len(rows), codec) for kind, content in pairs])


def _encoded(values: Array, codec: Codec) -> Any:
    return codec.to_plains(values.ravel().tolist()) if values.dtype == OBJECT else values.tobytes()


def _decoded(kind: Sequence[Any], content: Any, count: int, codec: Codec) -> Array:
    dtype, width = np.dtype(kind[0]), kind[1]
    if dtype == OBJECT:
        return objects(codec.from_plains(content)).values.reshape(count, width)
    values = np.frombuffer(content, dtype) if content else np.empty(0, dtype)
    return values.reshape(count, width)
