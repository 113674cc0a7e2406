"""Parquet files as typed records, read in columns: the declared ones alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from makiserve.errors import DecodeError, SourceError
from makiserve.schema.cells import PLAIN, without_none
from makiserve.schema.columns import declared_in, records_from_columns
from makiserve.schema.content import Content
from makiserve.schema.record import Record, Schema, mismatch, shorten

BLOCK_ROWS = 32_768


def read_parquet(content: Content, path: Path, schema: Schema) -> Iterator[list[Record | DecodeError]]:
    """The records of a Parquet file, in blocks; a `DecodeError` stands where a row does not fit.

    A value is judged as one in a JSON message is: an integer may stand for a float, null for a value that may be None;
    NaN and infinities are refused, and nothing else is converted.

    Raises:
        SourceError: it is damaged, or lacks a field of the record.
    """
    try:
        file = parquet.ParquetFile(content.stream)
        columns = [
            TypedColumn(each.encode_name, each.type) for each in declared_in(path, file.schema_arrow.names, schema)
        ]
        for batch in file.iter_batches(BLOCK_ROWS, columns=[column.name for column in columns]):
            values = [column.values(batch.column(column.name)) for column in columns]
            yield records_from_columns(schema, columns, values)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: not a Parquet file that can be read: {error}") from error


class TypedColumn:
    """How the values of one field are taken: a column at a time where its type is the declared one.

    Args:
        name: the column's title.
        kind: the declared type.
    """

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self.kind = kind
        self.base, self.optional = without_none(kind)
        self.is_plain = self.base in (*PLAIN, bool)

    def values(self, column: pa.Array) -> list[Any]:
        """The values of a column; a `DecodeError` stands where one does not fit."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        fast = _FAST.get(self.base)
        found = fast(column) if fast and (self.optional or not column.null_count) else None
        return [self._value(value) for value in _plain(column).to_pylist()] if found is None else found

    def _value(self, value: Any) -> Any:
        if isinstance(value, float) and not isfinite(value):
            return mismatch(self.name, self.kind, repr(value))
        try:
            return msgspec.convert(value, self.kind)
        except msgspec.ValidationError:
            return mismatch(self.name, self.kind, shorten(value))


def _plain(column: pa.Array) -> pa.Array:
    """Times as `datetime`, which knows no nanoseconds."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _floats(column: pa.Array) -> list[Any] | None:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return None
    numbers = column.cast(pa.float64(), safe=False)
    if not pc.all(pc.is_finite(numbers), min_count=0).as_py():
        return None
    return _listed(numbers)


def _integers(column: pa.Array) -> list[Any] | None:
    return _listed(column) if pa.types.is_integer(column.type) else None


def _texts(column: pa.Array) -> list[Any] | None:
    return (
        list(column.to_pylist()) if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else None
    )


def _booleans(column: pa.Array) -> list[Any] | None:
    return list(column.to_pylist()) if pa.types.is_boolean(column.type) else None


def _listed(numbers: pa.Array) -> list[Any]:
    return list(numbers.to_pylist()) if numbers.null_count else list(numbers.to_numpy().tolist())


_FAST: dict[Any, Callable[[pa.Array], list[Any] | None]] = {
    float: _floats,
    int: _integers,
    str: _texts,
    bool: _booleans,
}
