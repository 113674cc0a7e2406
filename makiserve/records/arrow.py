"""Rows with the Arrow stream interface as typed records: data frames, tables and readers of any library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from makiserve.errors import DecodeError, SourceError
from makiserve.records.columns import declared_in, records_from_columns
from makiserve.records.order import Order
from makiserve.records.record import Record, Schema
from makiserve.records.sorting import sorted_batches
from makiserve.records.typed import TypedColumn, without_encoding
from makiserve.records.unseen import UnseenFields

BLOCK_ROWS = 32_768


class ArrowStream(Protocol):
    """A data frame, table or reader with the Arrow PyCapsule interface for streams.

    pandas, Polars, DuckDB, PyArrow and others implement it, so none of them is imported here.
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


def read_arrow(
    rows: ArrowStream, schema: Schema, unseen: UnseenFields, order: Order | None = None, name: str | None = None
) -> Iterator[Sequence[Record | DecodeError]]:
    """Yield the records of a data frame in blocks, with a `DecodeError` for each row that does not fit.

    A value is treated as the same value in a Parquet file: see `TypedColumn`. The rows are read in batches.

    Args:
        rows: the data frame.
        schema: of the records.
        unseen: learns the titles of the columns.
        order: sorts the rows; None to keep their order.
        name: of the data frame in errors; None for its type.

    Raises:
        SourceError: the data frame has a column without an Arrow type, or lacks a field of the record.
    """
    name = name or f"the {type(rows).__name__}"
    reader = _reader(rows, name)
    unseen.see_titles(reader.schema.names)
    fields = declared_in(Path(name), reader.schema.names, schema)
    columns = {field.name: TypedColumn(field.encode_name, field.type) for field in fields}
    batches = _batches(reader, [column.name for column in columns.values()], name)
    if order:
        batches = sorted_batches(batches, [columns[key] for key in order.keys(schema) if key in columns], name)
    for batch in batches:
        for start in range(0, batch.num_rows, BLOCK_ROWS):
            yield records_from_batch(batch.slice(start, BLOCK_ROWS), list(columns.values()), schema)


def records_from_batch(
    batch: pa.RecordBatch, columns: list[TypedColumn], schema: Schema
) -> Sequence[Record | DecodeError]:
    """Return the record of each row of a batch, or the error for it."""
    values = {column.name: column.cells(batch.column(column.name)) for column in columns}
    return records_from_columns(schema, values, batch.num_rows)


def _reader(rows: Any, name: str) -> pa.RecordBatchReader:
    try:
        return pa.RecordBatchReader.from_stream(rows)
    except Exception as error:  # the error of any library
        raise SourceError(f"{name} has a column without an Arrow type: {error}") from error


def _batches(reader: pa.RecordBatchReader, names: list[str], name: str) -> Iterator[pa.RecordBatch]:
    """Yield batches of some columns, without encodings such as dictionaries."""
    indexes = [reader.schema.names.index(title) for title in names]
    try:
        for batch in reader:
            arrays = [without_encoding(batch.column(index)) for index in indexes]
            yield pa.RecordBatch.from_struct_array(pa.StructArray.from_arrays(arrays, names)) if arrays else batch
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{name} cannot be read: {error}") from error
