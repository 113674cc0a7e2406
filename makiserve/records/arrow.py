"""Rows with the Arrow stream interface as typed records: data frames, tables and readers of any library."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from makiserve.errors import DecodeError, SourceError
from makiserve.records.cells import CsvColumn
from makiserve.records.declared_columns import declared_in, records_from_columns
from makiserve.records.order import Order
from makiserve.records.record import Record, Schema
from makiserve.records.sorting import Column, sorted_batches
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

    A value is treated as the same value in a Parquet file: see `TypedColumn`. The rows are read in batches. A column of
    a pandas data frame that the record does not declare may have cells of any type.

    Args:
        rows: the data frame.
        schema: of the records.
        unseen: learns the titles of the columns.
        order: sorts the rows; None to keep their order.
        name: of the data frame in errors; None for its type.

    Raises:
        SourceError: a declared column of the data frame has no Arrow type, or the frame lacks a field of the record.
    """
    name = name or f"the {type(rows).__name__}"
    declared, undeclared = _split_by_declaration(rows, schema, name)
    reader = _reader(declared, name)

    def scan(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        indexes = [reader.schema.names.index(title) for title in columns]
        try:
            for batch in reader:
                yield batch.select(indexes)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{name} cannot be read: {error}") from error

    return records_from_arrow(name, [*reader.schema.names, *undeclared], scan, schema, unseen, order)


def records_from_arrow(
    name: str,
    titles: Sequence[str],
    scan: Callable[[Sequence[str]], Iterator[pa.RecordBatch]],
    schema: Schema,
    unseen: UnseenFields,
    order: Order | None = None,
    texts: Collection[str] = (),
) -> Iterator[Sequence[Record | DecodeError]]:
    """Yield the records of Arrow batches in blocks, with a `DecodeError` for each row that does not fit.

    Args:
        name: of the rows, for errors.
        titles: of all their columns.
        scan: returns the batches, with some of the columns.
        schema: of the records.
        unseen: learns the titles of the columns.
        order: sorts the rows; None to keep their order.
        texts: the columns that are texts whatever their declared type, as in CSV.

    Raises:
        SourceError: a field of the record is missing, or a row has no place in the order.
    """
    unseen.see_titles(titles)
    columns: dict[str, Column] = {
        field.name: CsvColumn(field.encode_name, field.type, schema.na_values)
        if field.encode_name in texts
        else TypedColumn(field.encode_name, field.type)
        for field in declared_in(Path(name), list(titles), schema)
    }
    chosen = list(columns.values())
    batches: Iterator[pa.RecordBatch] = (_plain(batch, chosen) for batch in scan([column.name for column in chosen]))
    if order:
        batches = sorted_batches(batches, [columns[key] for key in order.keys(schema) if key in columns], name)
    for batch in batches:
        for start in range(0, batch.num_rows, BLOCK_ROWS):
            yield records_from_batch(batch.slice(start, BLOCK_ROWS), chosen, schema)


def records_from_batch(
    batch: pa.RecordBatch, columns: Sequence[Column], schema: Schema
) -> Sequence[Record | DecodeError]:
    """Return the record of each row of a batch, or the error for it."""
    values = {column.name: column.cells(batch.column(column.name)) for column in columns}
    return records_from_columns(schema, values, batch.num_rows)


def _split_by_declaration(rows: Any, schema: Schema, name: str) -> tuple[Any, list[str]]:
    """Return the rows without the columns that the record does not declare, and the titles of these columns.

    Only pandas has columns that Arrow cannot convert, because their cells have several types. The rows of any other
    library are returned as they are. A named index becomes columns here, because pandas itself leaves out a range.

    Raises:
        SourceError: the data frame has two columns with the name of a field.
    """
    if not (hasattr(rows, "loc") and hasattr(rows, "columns")):
        return rows, []
    names = enumerate(rows.index.names)
    levels = [level for level, name in names if name is not None and name not in rows.columns]
    rows = rows.reset_index(levels) if levels else rows
    titles, declared = [str(label) for label in rows.columns], {field.encode_name for field in schema.fields}
    if twice := [title for title in titles if title in declared and titles.count(title) > 1]:
        raise SourceError(f"{name}: the header names {twice[0]!r} more than once")
    kept = rows.loc[:, [title in declared for title in titles]].reset_index(drop=True)
    return kept, [title for title in titles if title not in declared]


def _reader(rows: Any, name: str) -> pa.RecordBatchReader:
    try:
        return pa.RecordBatchReader.from_stream(rows)
    except Exception as error:  # the error of any library
        raise SourceError(
            f"{name} is not a table of typed columns: {error}. Give a data frame in which all cells of a declared "
            "column have one type"
        ) from error


def _plain(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    """Return a batch without encodings such as dictionaries; texts become the bytes of cells."""
    if not columns:
        return batch
    arrays = [
        pc.fill_null(cells.cast(pa.string()), "").cast(pa.binary())
        if isinstance(column, CsvColumn)
        else without_encoding(cells)
        for column, cells in ((column, batch.column(column.name)) for column in columns)
    ]
    return pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])
