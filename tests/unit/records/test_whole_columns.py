"""A column that is converted at once has the values that its cells have one by one."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.errors import DecodeError
from makiserve.records.cells import CsvColumn
from makiserve.records.record_table import RecordTable
from makiserve.records.times import EARLIEST_US, LATEST_US, TimeValues
from makiserve.records.typed import TypedColumn

UNITS = {"s": 10**6, "ms": 10**3, "us": 1}
US = st.integers(EARLIEST_US, LATEST_US) | st.sampled_from([EARLIEST_US, LATEST_US, -1, 0, 999_999])
KINDS: list[Any] = [datetime, date, time, timedelta, UUID, bool]
CELLS = ["", "NA", "null", "true", "FALSE", " true", "1", "2013-01-01", "2013-01-01T05:00:00", "2013-01-01T05:00:00Z"]
ODD = ["2013-01-01T05:00:00+02:00", "12:00:00", "P1D", str(UUID(int=7)), '"', "\\u0032", '","', "5", "\n", "ä"]


def one_by_one(column: TypedColumn, values: pa.Array) -> list[Any]:
    """The values of a column in which a time out of range prevents that it is converted at once."""
    bad = pa.array([2**62]).view(pa.timestamp("s", values.type.tz)) if pa.types.is_timestamp(values.type) else None
    bad = pa.array([2**30], pa.int32()).view(pa.date32()) if bad is None else bad
    if bad.type != values.type:
        values = values.cast(bad.type)
    *converted, refused = column.values(pa.concat_arrays([values, bad]))
    assert isinstance(refused, DecodeError)
    return converted


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", UNITS)
@given(times=st.lists(st.none() | US, min_size=1))
def test_times(unit: str, zone: str | None, times: list[int | None]) -> None:
    ticks = pa.array([None if us is None else us // 10**6 * 10**6 // UNITS[unit] for us in times], pa.int64())
    values, column = ticks.view(pa.timestamp(unit, zone)), TypedColumn("x", datetime | None)
    converted = column.values(values)
    assert repr(converted) == repr(one_by_one(column, values))
    zones = {value.tzinfo for value in converted if value is not None}
    assert zones <= {None if zone is None else timezone.utc}  # as in JSON, not a zone of another library


@given(st.lists(st.none() | st.dates(), min_size=1))
def test_dates(days: list[date | None]) -> None:
    values, column = pa.array(days, pa.date32()), TypedColumn("x", date | None)
    assert column.values(values) == days == one_by_one(column, values)


@pytest.mark.parametrize("us", [EARLIEST_US - 1, LATEST_US + 1, 2**63 - 1, -(2**63) + 1])
def test_a_time_out_of_range_is_refused_alone(us: int) -> None:
    converted = TypedColumn("x", datetime).values(pa.array([us, 0]).view(pa.timestamp("us")))
    assert isinstance(converted[0], DecodeError)
    assert converted[1] == datetime(1970, 1, 1)  # noqa: DTZ001  without a zone


@given(st.lists(st.sampled_from([*CELLS, *ODD]), min_size=1), st.sampled_from(KINDS), st.booleans())
def test_cells(cells: list[str], kind: Any, is_optional: bool) -> None:
    column = CsvColumn("x", kind | None if is_optional else kind)
    encoded = [cell.encode() for cell in cells]
    assert repr(column.values(pa.array(encoded, pa.binary()))) == repr([column.value(cell) for cell in encoded])


def test_time_objects_are_made_only_if_they_are_read() -> None:
    cells = TypedColumn("at", datetime).cells(pa.array(range(1000)).view(pa.timestamp("s", "UTC")))
    assert isinstance(cells, TimeValues)
    table = RecordTable(object, {"at": cells}, {}, 1000).take(range(10, 20))  # type: ignore[arg-type]
    times = table.fields["at"]
    assert isinstance(times, TimeValues)
    assert times.us.tolist() == [10**6 * second for second in range(10, 20)]
    assert not {"values"} & (vars(cells).keys() | vars(times).keys())
    assert table.values("at")[0] == datetime(1970, 1, 1, 0, 0, 10, tzinfo=timezone.utc)
    assert times.values.dtype == np.object_
