"""Arrow columns as values of declared types. Each value is treated as the same value in a JSON message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from makiserve.records.cells import without_none
from makiserve.records.field_errors import mismatch, optional_remedy, shorten
from makiserve.records.record import converted, finite, is_none_or_nan
from makiserve.records.record_table import Cells
from makiserve.records.times import MICROSECOND
from makiserve.records.whole_columns import whole_column

UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, pa.ArrowException)
"""Errors for a value that Python cannot hold or a type does not accept. `OverflowError` is an `ArithmeticError`."""

DAY_US = 86_400_000_000


class TypedColumn:
    """A converter for the values of one field. It converts a whole column if the column has the declared type.

    Null is None. A decimal without a fraction is an integer, any other decimal is a number. Binary data are text if
    they are UTF-8 and text is declared. Dictionaries, run-end encoded columns and extension types are decoded to the
    values that they represent. Times are rounded to microseconds, as in JSON. Times, durations and UUIDs are not text.

    Args:
        name: the column's title.
        kind: the declared type.
    """

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self.kind = kind
        self.base, self.is_optional = without_none(kind)

    def values(self, column: pa.Array) -> list[Any]:
        """Return the values of a column, with a `DecodeError` for each value that does not fit."""
        cells = self.cells(column)
        return cells if isinstance(cells, list) else cells.listed()

    def cells(self, column: pa.Array) -> Cells:
        """Return the values of a column: as an array if it has the declared type, or else as in `values`."""
        try:
            column = without_encoding(column)
            _check_times(column)
            whole = whole_column(column, self.base, is_optional=self.is_optional)
            return [self.value(value) for value in _listed(column)] if whole is None else whole
        except UNREADABLE:  # at least one value does not fit
            return [self._alone(column.slice(index, 1)) for index in range(len(column))]

    def _alone(self, column: pa.Array) -> Any:
        """Return the value of a column of one row, or the `DecodeError` for it."""
        try:
            _check_times(column)
            (value,) = _listed(column)
        except UnicodeDecodeError as error:
            return mismatch(self.name, self.kind, f"{error.object[:40]!r}, which is not UTF-8")
        except UNREADABLE as error:
            return mismatch(self.name, self.kind, f"a {column.type} that Python cannot represent: {str(error)[:200]}")
        return self.value(value)

    def value(self, value: Any) -> Any:
        """Return a Python value as the declared type, or the `DecodeError` for it."""
        try:
            return converted(_as_json(value), self.kind)
        except UNREADABLE:
            pass
        if isinstance(value, bytes):
            try:
                return converted(value.decode(), self.kind)
            except UnicodeDecodeError:
                return mismatch(self.name, self.kind, f"{value[:40]!r}, which is not UTF-8")
            except UNREADABLE:
                pass
        remedy = optional_remedy(self.kind) if is_none_or_nan(value) else ""
        return mismatch(self.name, self.kind, shorten(value), remedy)


def without_encoding(column: pa.Array) -> pa.Array:
    """Return a column without its encoding, and with times in UTC, no finer than microseconds."""
    if isinstance(column, pa.ExtensionArray) and not isinstance(column.type, (pa.UuidType, pa.Bool8Type)):
        return without_encoding(column.storage)
    if pa.types.is_dictionary(column.type):
        values = without_encoding(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, values).dictionary_decode()
    if pa.types.is_run_end_encoded(column.type):
        return without_encoding(pc.run_end_decode(column))
    if view := _WITHOUT_VIEW.get(column.type.id):
        return column.cast(view)
    if pa.types.is_timestamp(column.type) and column.type.tz not in (None, "UTC"):
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))  # in Arrow the zone is a hint for display
    coarser = _COARSER.get(column.type.id)
    if coarser and column.type.unit == "ns":
        nanoseconds = column.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        microseconds, rest = np.divmod(nanoseconds, 1000)  # no sum first: it could overflow
        rounded = microseconds + (rest >= 500)
        if pa.types.is_time(column.type):
            rounded[(microseconds == DAY_US - 1) & (rest >= 500)] = 0  # midnight, as msgspec rounds it in JSON
        return pa.array(rounded, mask=column.is_null().to_numpy(zero_copy_only=False)).view(coarser(column.type))
    return column


_SECONDS = 86_400
_DAY = {
    pa.time32("s").id: {"s": _SECONDS, "ms": _SECONDS * 10**3},
    pa.time64("us").id: {"us": _SECONDS * 10**6, "ns": _SECONDS * 10**9},
}
"""The length of a day, by type and unit."""

_COARSER: dict[int, Callable[[Any], pa.DataType]] = {
    pa.timestamp("ns").id: lambda arrow_type: pa.timestamp("us", arrow_type.tz),
    pa.duration("ns").id: lambda arrow_type: pa.duration("us"),
    pa.time64("ns").id: lambda arrow_type: pa.time64("us"),
}


_WITHOUT_VIEW = {pa.string_view().id: pa.large_string(), pa.binary_view().id: pa.large_binary()}
"""The types for the texts and bytes of Polars, which some functions of Arrow do not take."""


def _listed(column: pa.Array) -> list[Any]:
    return list(column.to_pylist(maps_as_pydicts="strict"))


def _check_times(column: pa.Array) -> None:
    """Check times of day, which Python would take modulo 24 hours.

    Raises:
        ValueError: a time is not within 24 hours.
    """
    if column.type.id in _DAY:
        ticks = column.view(pa.int32() if column.type.bit_width == 32 else pa.int64())
        day = _DAY[column.type.id][column.type.unit]
        if pc.any(pc.or_(pc.less(ticks, 0), pc.greater_equal(ticks, day))).as_py():
            raise ValueError("a time of day outside of 24 hours")
    for part in _parts(column):
        _check_times(part)


def _parts(column: pa.Array) -> list[pa.Array]:
    """Return the child columns of a nested column."""
    if pa.types.is_map(column.type):
        return [pa.ListArray.from_arrays(column.offsets, part).flatten() for part in (column.keys, column.items)]
    if pa.types.is_struct(column.type):
        return list(column.flatten())
    is_list = pa.types.is_nested(column.type) and not pa.types.is_union(column.type)
    return [column.flatten()] if is_list else []


def _as_json(value: Any) -> Any:
    """Return a value as JSON would have it: None for NaN, an integer for a whole decimal, Python's own UTC.

    Raises:
        ValueError: JSON has no such value.
    """
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and not value.as_tuple().exponent else value
    if isinstance(value, tuple):  # months, days and nanoseconds
        raise ValueError(f"{value} is a calendar interval")  # noqa: TRY004  no value of this type is JSON's
    if isinstance(value, (datetime, timedelta)) and type(value) not in (datetime, timedelta):
        value = _rounded(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc)
    return finite(value)


def _rounded(value: Any) -> Any:
    """Return a `pandas.Timestamp` or `Timedelta`, which Arrow gives for nested nanoseconds, as Python's own type."""
    is_time = isinstance(value, datetime)
    rounded = value.floor("us") + MICROSECOND * ((value.nanosecond if is_time else value.nanoseconds) >= 500)
    return rounded.to_pydatetime() if is_time else rounded.to_pytimedelta()
