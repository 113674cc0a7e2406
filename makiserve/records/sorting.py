"""Arrow batches sorted by typed keys: in memory, or on disk if they are too many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from makiserve.errors import ConfigurationError, DecodeError, SourceError
from makiserve.records.cells import CsvColumn
from makiserve.records.typed import TypedColumn

KEY = "makiserve key {}"
MEMORY_BYTES = 512 << 20
"""The size of rows that are sorted in memory. DuckDB sorts more of them on disk."""

Column = TypedColumn | CsvColumn


def sorted_batches(batches: Iterator[pa.RecordBatch], keys: Sequence[Column], name: str) -> Iterator[pa.RecordBatch]:
    """Yield all rows in the order of their keys.

    Args:
        batches: with the columns of the keys.
        keys: the columns to sort by, the most significant one first.
        name: of the rows, for errors.

    Raises:
        SourceError: a key is null, or has no order.
        ConfigurationError: the rows are too many to be sorted in memory, and DuckDB is not installed.
    """
    titles = [KEY.format(index) for index in range(len(keys))]
    keyed, held, size = _keyed(batches, keys, titles, name), [], 0
    for batch in keyed:
        held.append(batch)
        size += batch.nbytes
        if is_too_large(size):
            yield from _sorted_on_disk(held, keyed, titles, name)
            return
    if held:
        table = pa.Table.from_batches(held)
        indexes = pc.sort_indices(table, sort_keys=[(title, "ascending") for title in titles])
        yield from table.drop_columns(titles).take(indexes).to_batches()


def is_too_large(size: int) -> bool:
    """Return whether rows of this size, in bytes, are sorted on disk."""
    return size > MEMORY_BYTES


def _sorted_on_disk(
    held: list[pa.RecordBatch], more: Iterator[pa.RecordBatch], titles: Sequence[str], name: str
) -> Iterator[pa.RecordBatch]:
    """Yield the rows that are held, and more of them, sorted by DuckDB, which writes sorted runs to temporary files."""
    try:
        duckdb: Any = import_module("duckdb")
    except ImportError as error:
        raise ConfigurationError(
            f"{name}: more than {MEMORY_BYTES >> 20} MiB of rows are sorted on disk, which needs DuckDB: pip install "
            "'makiserve[lake]'"
        ) from error
    schema, failed = held[0].schema, _Failure()
    reader = pa.RecordBatchReader.from_batches(schema, failed.kept(chain(_emptied(held), more)))
    with tempfile.TemporaryDirectory(prefix="makiserve-") as folder:
        limits = {"temp_directory": folder, "memory_limit": f"{2 * MEMORY_BYTES}B", "preserve_insertion_order": False}
        with duckdb.connect(config=limits) as connection:
            try:
                relation = connection.from_arrow(reader).order(", ".join(f'"{title}"' for title in titles))
                for batch in relation.to_arrow_reader():
                    yield batch.cast(schema).drop_columns(titles)  # DuckDB changes zones and sizes of types
            except (duckdb.Error, pa.ArrowException) as error:
                raise failed.error or SourceError(f"{name}: cannot be sorted on disk: {error}") from error


class _Failure:
    """The error of an iterator that a library reads, because the library only reports its text."""

    error: SourceError | None = None

    def kept(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except SourceError as error:
            self.error = error
            raise


def _emptied(held: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    held.reverse()
    while held:
        yield held.pop()


def _keyed(
    batches: Iterator[pa.RecordBatch], keys: Sequence[Column], titles: Sequence[str], name: str
) -> Iterator[pa.RecordBatch]:
    """Yield the batches with the columns to sort by."""
    seen = 0
    for batch in batches:
        arrays = [_key(batch.column(column.name), column, name, seen) for column in keys]
        seen += batch.num_rows
        yield pa.RecordBatch.from_arrays([*batch.columns, *arrays], [*batch.schema.names, *titles])


def _key(cells: pa.Array, column: Column, name: str, seen: int) -> pa.Array:
    """Return what the cells are sorted by: themselves if they are numbers or times, or else their typed values."""
    missing = pc.is_null(cells, nan_is_null=True)
    if pc.any(missing).as_py():
        row = seen + pc.index(missing, True).as_py()
        raise SourceError(
            f"{name}: {column.name!r} is null in row {row:,}, so the row has no place in the order: leave such rows out"
        )
    if _is_ordered(cells.type) or (column.base is str and pa.types.is_string(cells.type)):
        return cells
    values = column.values(cells)
    for row, value in enumerate(values, seen):
        if isinstance(value, DecodeError):
            raise SourceError(f"{name}: row {row:,} has no place in the order: {value}. Leave such rows out") from value
    try:
        keys = pa.array(values)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise SourceError(f"{name}: cannot be sorted by {column.name!r}: {error}") from error
    if pa.types.is_nested(keys.type):
        raise SourceError(f"{name}: cannot be sorted by {column.name!r}: values of type {keys.type} have no order")
    return keys


def _is_ordered(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_temporal(kind))
