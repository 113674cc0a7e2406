"""Sorted rows from Spark as typed records, and the order of these rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from makiserve.errors import DecodeError, SourceError
from makiserve.records import Record, Schema
from makiserve.records.declared_columns import declared_in, records_from_columns
from makiserve.records.typed import TypedColumn

DATA_FRAME = Path("the data frame")

Flags = NDArray[np.bool_]


def fields_of(names: Sequence[str], schema: Schema) -> list[str]:
    """Return the columns of a data frame that its records are made of.

    Raises:
        SourceError: a required field is missing, or a column is not declared and the record forbids that.
    """
    return [field.encode_name for field in declared_in(DATA_FRAME, names, schema)]


class RecordReader:
    """Makes records from Arrow batches, by the same rules as from a Parquet file.

    Spark sends times in the session's time zone. They are read in UTC, as from the Parquet file that Spark would write,
    so that the session's time zone does not change a feature.

    Args:
        schema: the schema of the records.
        names: the columns of the batches.
    """

    def __init__(self, schema: Schema, names: Sequence[str]) -> None:
        self._schema = schema
        declared = declared_in(DATA_FRAME, names, schema)
        self._columns = [TypedColumn(field.encode_name, field.type) for field in declared]

    def records(self, batch: pa.RecordBatch) -> Sequence[Record | DecodeError]:
        """Return the record of each row, or a `DecodeError` for a row that does not fit."""
        columns = {column.name: column.values(in_utc(batch.column(column.name))) for column in self._columns}
        return records_from_columns(self._schema, columns, batch.num_rows)


def in_utc(column: pa.Array) -> pa.Array:
    """Return a column with all times that have a zone in UTC, at any depth."""
    kind = type_in_utc(column.type)
    return column if kind == column.type else column.cast(kind)


def type_in_utc(kind: pa.DataType) -> pa.DataType:
    """Return an Arrow type with UTC instead of any other time zone."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(type_in_utc(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(type_in_utc(kind.key_type), type_in_utc(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(type_in_utc(kind.value_type)))
    return kind


class RowOrder:
    """Finds where lanes begin in sorted batches, and refuses rows whose lane or order is undefined.

    Args:
        key: the column whose values are the lanes.
        time: the column that orders the rows of a lane.
        tie_by: the columns that order rows with the same time.
    """

    def __init__(self, key: str, time: str, tie_by: tuple[str, ...]) -> None:
        self._names = (key, time, *tie_by)
        self._last: list[pa.Array] | None = None

    def begins(self, batch: pa.RecordBatch) -> Flags:
        """Return for each row whether it is the first one of its lane.

        Raises:
            SourceError: a key or time is null, or rows of a lane have the same place in the order.
        """
        columns = [batch.column(name) for name in self._names]
        for name, column in zip(self._names[:2], columns, strict=False):
            self._refuse_missing(name, column, columns)
        previous, self._last = self._last, [column.slice(len(column) - 1) for column in columns]
        if previous is not None:
            columns = [pa.concat_arrays([last, column]) for last, column in zip(previous, columns, strict=True)]
        is_same, *others = [_equals_previous(column) for column in columns]
        tied = np.logical_and.reduce([is_same, *others])
        if tied.any():
            raise self._tied(columns, int(tied.argmax()))
        return np.concatenate([[True], ~is_same]) if previous is None else ~is_same

    def _refuse_missing(self, name: str, column: pa.Array, columns: list[pa.Array]) -> None:
        is_missing = pc.is_null(column, nan_is_null=name == self._names[1])
        if pc.any(is_missing, min_count=0).as_py():
            row = _row(self._names, columns, pc.index(is_missing, True).as_py())
            what = "lane" if name == self._names[0] else "place in the order of its lane"
            raise SourceError(
                f"a row of the data frame has no {name} ({row}), so it has no {what}: leave such rows out, "
                f"df.where('{name} is not null'), or give them a value"
            )

    def _tied(self, columns: list[pa.Array], index: int) -> SourceError:
        _, time, *ties = self._names
        also = f" and the same {', '.join(ties)}" if ties else ""
        return SourceError(
            f"two rows of a lane have the same {time}{also} ({_row(self._names, columns, index)}), so their order is "
            f"undefined and the result would not be repeatable: name the columns that decide, tie_by=[…], or drop "
            "duplicates"
        )


def _row(names: Sequence[str], columns: Sequence[pa.Array], index: int) -> str:
    return ", ".join(f"{name}={column[index].as_py()!s}" for name, column in zip(names, columns, strict=True))


def _equals_previous(column: pa.Array) -> Flags:
    """Return for each row but the first whether it equals the one before it; null and NaN equal themselves."""
    if pa.types.is_nested(column.type):
        values: list[Any] = column.to_pylist()
        return np.array([a == b for a, b in pairwise(values)], bool)
    before, after = column.slice(0, len(column) - 1), column.slice(1)
    is_missing = pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False)
    is_equal = pc.fill_null(pc.equal(before, after), False).to_numpy(zero_copy_only=False)
    return is_equal | (is_missing[:-1] & is_missing[1:])  # type: ignore[no-any-return]  # pyarrow is untyped
