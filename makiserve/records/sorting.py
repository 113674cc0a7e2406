"""Arrow batches sorted by typed keys, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from makiserve.errors import DecodeError, SourceError
from makiserve.records.typed import TypedColumn

KEY = "makiserve key {}"


def sorted_batches(
    batches: Iterator[pa.RecordBatch], keys: Sequence[TypedColumn], name: str
) -> Iterator[pa.RecordBatch]:
    """Yield all rows in the order of their keys.

    Args:
        batches: with the columns of the keys.
        keys: the columns to sort by, the most significant one first.
        name: of the rows, for errors.

    Raises:
        SourceError: a key is null, or has no order.
    """
    seen, keyed = 0, []
    for batch in batches:
        keyed.append(_with_keys(batch, keys, name, seen))
        seen += batch.num_rows
    if not keyed:
        return
    table = pa.Table.from_batches(keyed)
    titles = [KEY.format(index) for index in range(len(keys))]
    indexes = pc.sort_indices(table, sort_keys=[(title, "ascending") for title in titles])
    yield from table.drop_columns(titles).take(indexes).to_batches()


def _with_keys(batch: pa.RecordBatch, keys: Sequence[TypedColumn], name: str, seen: int) -> pa.RecordBatch:
    arrays, titles = list(batch.columns), list(batch.schema.names)
    for index, column in enumerate(keys):
        arrays.append(_key(batch.column(column.name), column, name, seen))
        titles.append(KEY.format(index))
    return pa.RecordBatch.from_arrays(arrays, titles)


def _key(cells: pa.Array, column: TypedColumn, name: str, seen: int) -> pa.Array:
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
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise SourceError(f"{name}: cannot be sorted by {column.name!r}: {error}") from error


def _is_ordered(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_temporal(kind))
