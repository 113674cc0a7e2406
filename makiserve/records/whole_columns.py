"""Arrow columns that have the declared type: converted at once, without a call for each value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from makiserve.records.record_table import FieldColumn, field_values_of, objects
from makiserve.records.times import times_from

EARLIEST_DAY, LATEST_DAY = (day.toordinal() - date(1970, 1, 1).toordinal() for day in (date.min, date.max))


def whole_column(column: pa.Array, kind: Any, *, is_optional: bool) -> FieldColumn | None:
    """Return the values of a column as those of a field; None if the column has another type or a value does not fit.

    Args:
        column: without encoding; see `without_encoding`.
        kind: the declared type without its None.
        is_optional: whether None has the declared type.
    """
    convert = _CONVERSIONS.get(kind)
    if convert is None or (column.null_count and not is_optional):
        return None
    return convert(column, is_optional)


def _floats(column: pa.Array, is_optional: bool) -> FieldColumn | None:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return None
    numbers = column.cast(pa.float64(), safe=False)
    if is_optional:
        numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
    return field_values_of(numbers) if pc.all(pc.is_finite(numbers), min_count=0).as_py() else None


def _integers(column: pa.Array, is_optional: bool) -> FieldColumn | None:
    try:
        return field_values_of(column.cast(pa.int64())) if pa.types.is_integer(column.type) else None
    except pa.ArrowInvalid:  # beyond 63 bits
        return None


def _texts(column: pa.Array, is_optional: bool) -> FieldColumn | None:
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    return field_values_of(column) if is_text else None


def _booleans(column: pa.Array, is_optional: bool) -> FieldColumn | None:
    return field_values_of(column) if pa.types.is_boolean(column.type) else None


def _times(column: pa.Array, is_optional: bool) -> FieldColumn | None:
    return times_from(column) if pa.types.is_timestamp(column.type) else None


def _dates(column: pa.Array, is_optional: bool) -> FieldColumn | None:
    if not pa.types.is_date32(column.type):
        return None
    days = pc.min_max(column.view(pa.int32())).as_py()
    if days["min"] is not None and (days["min"] < EARLIEST_DAY or days["max"] > LATEST_DAY):
        return None
    return objects(column.to_numpy(zero_copy_only=False).astype("datetime64[D]").tolist(), len(column))


_CONVERSIONS: dict[Any, Callable[[pa.Array, bool], FieldColumn | None]] = {
    float: _floats,
    int: _integers,
    str: _texts,
    bool: _booleans,
    datetime: _times,
    date: _dates,
}
"""By declared type."""
