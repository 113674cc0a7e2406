"""Outputs as Parquet."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from makiserve.errors import SourceError
from makiserve.offline.output.writers import Columns, columns_of, different_fields
from makiserve.scoring import Outputs
from makiserve.scoring.plain import PLAIN

GROUP_ROWS = 65_536

NUMPY_TIMES = {np.datetime64, np.timedelta64}


class ParquetWriter:
    """Writes Parquet with the types of the values. If later values need a wider type, the file is rewritten.

    Args:
        file: to write to.
        titles: the columns of a file without outputs.
        form: what is published.
    """

    def __init__(self, file: BinaryIO, titles: list[str], form: Outputs) -> None:
        self._file = file
        self._encode = form.encode_object
        self._titles = titles
        self._writer: parquet.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, places: Columns, objects: list[Any]) -> None:
        columns = places | columns_of(objects)
        self._waiting.append(pa.table({title: self._array(values) for title, values in columns.items()}))
        self._rows += len(objects)
        if self._rows >= GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        if not self._waiting and self._writer is None:
            empty = {title: pa.array([], pa.int64() if title == "offset" else pa.string()) for title in self._titles}
            self._waiting = [pa.table(empty)]
        self._write_group()
        if self._writer:
            self._writer.close()

    def drop(self) -> None:
        if self._writer:
            self._writer.is_open = False  # otherwise it writes the footer when it is collected

    def _array(self, values: list[Any]) -> pa.Array:
        """Return a column of the values' own type, or of their JSON if Arrow or Parquet has no type for them all."""
        kinds = set(map(type, values))
        if not kinds <= PLAIN:
            values = [None if value is pd.NA or value is pd.NaT else value for value in values]
        is_mixed = bool(kinds & NUMPY_TIMES) and len(kinds - {type(None)}) > 1  # Arrow can end the process at these
        with suppress(pa.ArrowException, OverflowError, TypeError, ValueError):  # several types, more than 64 bits
            column = None if is_mixed else pa.array(values)
            if column is not None and pa.types.is_timestamp(column.type) and column.type.unit == "s":
                column = column.cast(pa.timestamp("us", column.type.tz))  # Parquet has no seconds
            if column is not None and not _has_no_parquet_form(column.type):
                return column
        texts = (self._encode(value).decode() for value in values)
        return pa.array([None if text == "null" else text for text in texts], pa.string())

    def _write_group(self) -> None:
        written = [self._writer.schema] if self._writer else []
        schema = _common([*written, *(each.schema for each in self._waiting)])
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._file, schema)
        elif schema != self._writer.schema:
            self._writer = self._rewritten(self._writer, schema)
        if self._waiting:
            self._writer.write_table(pa.concat_tables([each.cast(schema) for each in self._waiting]))
        self._waiting, self._rows = [], 0

    def _rewritten(self, writer: parquet.ParquetWriter, schema: pa.Schema) -> parquet.ParquetWriter:
        """Rewrite the file with a schema whose types also hold the new values; return the writer."""
        writer.close()
        with tempfile.TemporaryFile() as copy:
            self._file.seek(0)
            shutil.copyfileobj(self._file, copy)
            self._file.seek(0)
            self._file.truncate()
            wider = parquet.ParquetWriter(self._file, schema)
            for batch in parquet.ParquetFile(copy).iter_batches(GROUP_ROWS):
                wider.write_table(pa.Table.from_batches([batch]).cast(schema))
        return wider


def _has_no_parquet_form(kind: pa.DataType) -> bool:
    """Return whether a type contains an object without fields, or a time in seconds, neither of which Parquet holds."""
    if pa.types.is_struct(kind) and not kind.num_fields:
        return True
    if pa.types.is_timestamp(kind):
        return bool(kind.unit == "s")
    return any(_has_no_parquet_form(kind.field(index).type) for index in range(kind.num_fields))


def _common(schemas: list[pa.Schema]) -> pa.Schema:
    """Return a schema whose types hold the values of all schemas.

    Raises:
        SourceError: the schemas have no types in common, or the outputs have different fields.
    """
    if any(each.names != schemas[0].names for each in schemas):
        raise different_fields(*dict.fromkeys(tuple(each.names) for each in schemas))
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowTypeError as error:
        raise SourceError(f"the outputs have no common type: {error}. Write JSON lines (.jsonl) instead") from error
