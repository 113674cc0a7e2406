"""Outputs as Parquet."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import parquet

from makiserve.offline.output.arrow_columns import arrow_column, common_schema
from makiserve.offline.output.writers import Columns, columns_of
from makiserve.scoring import Outputs

GROUP_ROWS = 65_536


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

    def write(self, places: Columns, objects: Sequence[Any]) -> None:
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
        column = arrow_column(values)
        if column is not None:
            return column
        texts = (self._encode(value).decode() for value in values)
        return pa.array([None if text == "null" else text for text in texts], pa.string())

    def _write_group(self) -> None:
        written = [self._writer.schema] if self._writer else []
        schema = common_schema([*written, *(table.schema for table in self._waiting)])
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._file, schema)
        elif schema != self._writer.schema:
            self._writer = self._rewritten(self._writer, schema)
        if self._waiting:
            self._writer.write_table(pa.concat_tables([table.cast(schema) for table in self._waiting]))
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
            for batch in parquet.ParquetFile(copy, pre_buffer=False).iter_batches(GROUP_ROWS):
                wider.write_table(pa.Table.from_batches([batch]).cast(schema))
        return wider
