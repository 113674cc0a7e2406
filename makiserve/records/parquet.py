"""Parquet files as typed records. Only the declared columns are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from makiserve.errors import DecodeError, SourceError
from makiserve.records.arrow import BLOCK_ROWS, records_from_batch
from makiserve.records.content import Content
from makiserve.records.declared_columns import declared_in
from makiserve.records.record import Record, Schema
from makiserve.records.typed import TypedColumn
from makiserve.records.unseen import UnseenFields


def read_parquet(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[Sequence[Record | DecodeError]]:
    """Yield the records of a Parquet file, in blocks, with a `DecodeError` for each row that does not fit.

    A value is treated as the same value in a JSON message: see `TypedColumn`. Times of old Spark files (INT96) are read
    in microseconds, because nanoseconds would turn times before 1677 and after 2262 into other times. Nothing is
    buffered ahead, because Arrow would keep the bytes of all row groups until the file is closed (apache/arrow#39808).

    Raises:
        SourceError: the file is damaged, or lacks a field of the record.
    """
    try:
        file = parquet.ParquetFile(content.stream, coerce_int96_timestamp_unit="us", pre_buffer=False)
        titles = file.schema_arrow.names
        unseen.see_titles(titles)
        columns = [TypedColumn(field.encode_name, field.type) for field in declared_in(path, titles, schema)]
        for batch in file.iter_batches(BLOCK_ROWS, columns=[column.name for column in columns]):
            yield records_from_batch(batch, columns, schema)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not readable as Parquet: {error}") from error
