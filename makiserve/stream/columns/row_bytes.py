"""The rows of a table as bytes, and back: a copy of the arrays' memory, and MessagePack for objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from makiserve.stream.columns.column import Array, objects
from makiserve.stream.columns.store import Store
from makiserve.stream.engine.codec import Codec

_pack, _unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


class Field(NamedTuple):
    """One array of a store, as a checkpoint holds it.

    Attributes:
        dtype: the type of its elements.
        width: the number of elements of a row.
    """

    dtype: np.dtype[Any]
    width: int

    @property
    def size(self) -> int:
        """The number of bytes of a row; 0 for objects, which are written after the numbers."""
        return 0 if self.dtype == object else self.dtype.itemsize * self.width


def encode_rows(stores: Sequence[Store], rows: Array, codec: Codec) -> list[bytes]:
    """Return the bytes of each row.

    Raises:
        StateError: an object has no code.
    """
    contents = [array[rows].reshape(len(rows), -1) for store in stores if store.kinds for array in store.arrays]
    typed = [content for content in contents if content.dtype != object]
    matrix = np.concatenate([_bytes(content) for content in typed] or [np.zeros((len(rows), 0), np.uint8)], axis=1)
    buffer, size = matrix.tobytes(), matrix.shape[1]
    numbers = (
        [buffer[start : start + size] for start in range(0, size * len(rows), size)] if size else [b""] * len(rows)
    )
    others = [content for content in contents if content.dtype == object]
    if not others:
        return numbers
    values = np.concatenate(others, axis=1).tolist()
    return [head + _pack([codec.to_plain(value) for value in row]) for head, row in zip(numbers, values, strict=True)]


def decode_rows(kinds: Sequence[Sequence[Sequence[Any]]], parts: Sequence[bytes], codec: Codec) -> list[list[Array]]:
    """Return the arrays of each store from the bytes of rows.

    Raises:
        ValueError, msgspec.DecodeError: they are damaged.
    """
    fields = [[Field(np.dtype(kind), width) for kind, width in store] for store in kinds]
    size = sum(field.size for store in fields for field in store)
    matrix = np.frombuffer(b"".join(part[:size] for part in parts), np.uint8).reshape(len(parts), size)
    has_objects = any(field.dtype == object for store in fields for field in store)
    values = iter(_columns([_unpack(part[size:]) for part in parts], codec) if has_objects else ())
    start, decoded = 0, []
    for store in fields:
        arrays = []
        for field in store:
            if field.dtype == object:
                columns = [next(values) for _ in range(field.width)]
                arrays.append(np.stack(columns, axis=1) if columns else np.empty((len(parts), 0), object))
            else:
                raw = np.ascontiguousarray(matrix[:, start : start + field.size])
                arrays.append(raw.view(field.dtype).reshape(len(parts), field.width))
                start += field.size
        decoded.append(arrays)
    return decoded


def _columns(rows: Sequence[Sequence[Any]], codec: Codec) -> Iterator[Array]:
    for column in zip(*rows, strict=True):
        yield objects([codec.from_plain(value) for value in column]).values


def _bytes(content: Array) -> Array:
    if not content.shape[1]:
        return np.zeros((len(content), 0), np.uint8)
    return np.ascontiguousarray(content).view(np.uint8).reshape(len(content), -1)
