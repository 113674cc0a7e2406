"""Columns of Python values as Arrow columns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from makiserve.errors import SourceError
from makiserve.offline.output.writers import different_fields
from makiserve.scoring.plain import PLAIN
from makiserve.stream.columns.column import Mask, Rows
from makiserve.stream.columns.items import ColumnItems

NUMPY_TIMES = {np.datetime64, np.timedelta64}


def arrow_column(values: Sequence[Any]) -> pa.Array | None:
    """Return a column of the values' own type; None if Arrow or Parquet has no type for them all."""
    if isinstance(values, ColumnItems) and (column := _typed(values)) is not None:
        return column
    kinds = set(map(type, values))
    if not kinds <= PLAIN:
        values = [None if value is pd.NA or value is pd.NaT else value for value in values]
    if kinds & NUMPY_TIMES and len(kinds - {type(None)}) > 1:
        return None  # Arrow can end the process at these
    with suppress(pa.ArrowException, OverflowError, TypeError, ValueError):  # several types, more than 64 bits
        column = pa.array(values)
        if pa.types.is_timestamp(column.type) and column.type.unit == "s":
            column = column.cast(pa.timestamp("us", column.type.tz))  # Parquet has no seconds
        if not _has_no_parquet_form(column.type):
            return column
    return None


def _typed(values: ColumnItems) -> pa.Array | None:
    """Return numbers or booleans as Arrow reads them from Python values; None if they are not in a typed array."""
    column = values.column
    if isinstance(column, Rows) or column.values.dtype == object or _is_all(column.missing):
        return None
    return pa.array(column.values, mask=column.missing)


def _is_all(missing: Mask | None) -> bool:
    return missing is not None and bool(missing.all())


def _has_no_parquet_form(kind: pa.DataType) -> bool:
    """Return whether a type contains an object without fields, or a time in seconds, neither of which Parquet holds."""
    if pa.types.is_struct(kind) and not kind.num_fields:
        return True
    if pa.types.is_timestamp(kind):
        return bool(kind.unit == "s")
    return any(_has_no_parquet_form(kind.field(index).type) for index in range(kind.num_fields))


def common_schema(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return a schema whose types hold the values of all schemas.

    Raises:
        SourceError: the schemas have no types in common, or the outputs have different fields.
    """
    if any(schema.names != schemas[0].names for schema in schemas):
        raise different_fields(*dict.fromkeys(tuple(schema.names) for schema in schemas))
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowTypeError as error:
        raise SourceError(f"the outputs have no common type: {error}. Write JSON lines (.jsonl) instead") from error
