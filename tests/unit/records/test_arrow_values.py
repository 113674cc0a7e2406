"""The values of each Arrow type: what a record gets, and what is refused."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from makiserve.errors import DecodeError
from makiserve.records.typed import TypedColumn
from tests.loops import loop_over
from tests.unit.records.verdicts import (
    KINDS,
    REFUSED,
    from_file,
    from_message,
)


def bad_text() -> pa.Array:
    offsets = pa.array([0, 2, 7], pa.int32()).buffers()[1]
    return pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"okhe\xfflo"))


ARROW: dict[str, pa.Array] = {
    "null": pa.nulls(2),
    "bool": pa.array([True, None]),
    "int8": pa.array([1, -1], pa.int8()),
    "uint64": pa.array([2**64 - 1, 0], pa.uint64()),
    "halffloat": pa.array([1.5, np.nan], pa.float16()),
    "double": pa.array([np.inf, np.nan, 1.5]),
    "string that is not UTF-8": bad_text(),
    "dictionary of it": bad_text().dictionary_encode(),
    "string_view": pa.array(["a", None], pa.string_view()),
    "large_string": pa.array(["a", None], pa.large_string()),
    "binary": pa.array([b"a", b"\xff"]),
    "large_binary": pa.array([b"a", b"\xff"], pa.large_binary()),
    "binary_view": pa.array([b"a", b"\xff"], pa.binary_view()),
    "fixed_size_binary": pa.array([b"a", b"\xff"], pa.binary(1)),
    "decimal128": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
    "decimal256": pa.array([Decimal(5), Decimal("9" * 60)], pa.decimal256(60, 0)),
    "decimal of tens": pa.array([Decimal(100)], pa.decimal128(5, -2)),
    "date32": pa.array([0, 2**30], pa.int32()).view(pa.date32()),
    "date64": pa.array([0, 2**62], pa.int64()).view(pa.date64()),
    "time32": pa.array([0, 90_000], pa.int32()).view(pa.time32("s")),
    "time64": pa.array([1500, 2**62], pa.int64()).view(pa.time64("ns")),
    "timestamp s": pa.array([0, 2**62, -(2**62)], pa.int64()).view(pa.timestamp("s")),
    "timestamp ms, zone": pa.array([0, 253402300799000]).view(pa.timestamp("ms", "Europe/Berlin")),
    "timestamp us": pa.array([0, 253402300800000000, -62167219200000000]).view(pa.timestamp("us")),
    "timestamp ns": pa.array([-1, 2**63 - 1, -(2**63) + 1]).view(pa.timestamp("ns", "UTC")),
    "timestamp, unknown zone": pa.array([0]).view(pa.timestamp("us", "Mars/Phobos")),
    "duration s": pa.array([0, 2**62]).view(pa.duration("s")),
    "duration ns": pa.array([1500, None, -1], pa.duration("ns")),
    "interval": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    "list": pa.array([[1.5, np.nan], [np.inf], None]),
    "large_list": pa.array([[1.5]], pa.large_list(pa.float64())),
    "list_view": pa.array([[1.5]], pa.list_view(pa.float64())),
    "fixed_size_list": pa.array([[1.5, 2]], pa.list_(pa.float64(), 2)),
    "list of times": pa.array([[-1, 2**63 - 1]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("ns"))),
    "list of bad times": pa.array([[2**62]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("s"))),
    "struct": pa.array([{"a": 1, "b": np.inf}]),
    "struct with a name twice": pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    "map": pa.array([[("a", 1.5)], [("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.float64())),
    "sparse union": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
    "run-end encoded": pc.run_end_encode(pa.array([1, 1, 2])),
    "uuid": pa.array([UUID(int=7).bytes], pa.uuid()),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}'])),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8())),
    "tensor": pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.int64(), (2,)), pa.array([[1, 2]], pa.list_(pa.int64(), 2))
    ),
    "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "geometry", "postgis"), pa.array(["POINT (1 2)"])),
}


@loop_over("name", ARROW)
@pytest.mark.slow
def test_no_value_of_an_arrow_type_raises(tmp_path: Path, name: str) -> None:
    column: Any = ARROW[name]
    path: Path | None = tmp_path / "x.parquet"
    try:
        parquet.write_table(pa.table({"x": column}), path)
    except (pa.ArrowException, OSError):
        path = None  # Parquet has no such type: a data frame or a lake table may
    for kind in KINDS:
        values = TypedColumn("x", kind).values(column)
        assert len(values) == len(column)
        for value in values:
            assert isinstance(value, DecodeError) or msgspec.convert(value, kind) == value
            assert not isinstance(value, DecodeError) or len(str(value)) < 500
        if path:
            assert len(from_file(path, kind)) == len(column)


UTC = timezone.utc


@loop_over(
    ("name", "kind", "expected"),
    [
        ("halffloat", float | None, [1.5, None]),
        ("double", float | None, [REFUSED, None, 1.5]),
        ("double", float, [REFUSED, REFUSED, 1.5]),
        ("string that is not UTF-8", str, ["ok", REFUSED]),
        ("dictionary of it", str, ["ok", REFUSED]),
        ("string_view", str | None, ["a", None]),
        ("binary", str, ["a", REFUSED]),
        ("binary", bytes, [b"a", b"\xff"]),
        ("fixed_size_binary", str, ["a", REFUSED]),
        ("decimal128", float | None, [1.5, None]),
        ("decimal128", int | None, [REFUSED, None]),
        ("decimal256", int, [5, int("9" * 60)]),
        ("date32", date, [date(1970, 1, 1), REFUSED]),
        ("date32", datetime, [REFUSED, REFUSED]),
        ("date32", str, [REFUSED, REFUSED]),
        ("time32", time, [time(), REFUSED]),
        ("time64", time, [time(microsecond=2), REFUSED]),
        ("timestamp s", datetime, [datetime(1970, 1, 1), REFUSED, REFUSED]),  # noqa: DTZ001  without a zone
        (
            "timestamp ms, zone",
            datetime,
            [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)],
        ),
        ("timestamp us", datetime, [datetime(1970, 1, 1), REFUSED, REFUSED]),  # noqa: DTZ001  without a zone
        ("timestamp us", float, [REFUSED, REFUSED, REFUSED]),
        ("timestamp, unknown zone", datetime, [datetime(1970, 1, 1, tzinfo=UTC)]),
        ("duration s", timedelta, [timedelta(0), REFUSED]),
        ("duration ns", timedelta | None, [timedelta(microseconds=2), None, timedelta(0)]),
        ("duration ns", float, [REFUSED, REFUSED, REFUSED]),
        ("interval", list[int], [REFUSED]),
        ("list", list[float] | None, [REFUSED, REFUSED, None]),
        ("list", list[float | None] | None, [[1.5, None], REFUSED, None]),
        ("map", dict[str, float], [{"a": 1.5}, REFUSED]),
        ("struct with a name twice", dict[str, float], [REFUSED]),
        ("sparse union", int | str, [1, "b"]),
        ("run-end encoded", int, [1, 1, 2]),
        ("uuid", UUID, [UUID(int=7)]),
        ("json", str, ['{"a": 1}']),
        ("bool8", bool, [True, False]),
        ("bool8", int, [REFUSED, REFUSED]),
        ("tensor", list[int], [[1, 2]]),
        ("opaque", str, ["POINT (1 2)"]),
    ],
)
def test_arrow_type_gives_the_values_that_it_stores(name: str, kind: Any, expected: list[Any]) -> None:
    values = TypedColumn("x", kind).values(ARROW[name])
    assert [REFUSED if isinstance(value, DecodeError) else value for value in values] == expected


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (499, "1970-01-01T00:00:00.000000499Z"),
        (1500, "1970-01-01T00:00:00.0000015Z"),
    ],
)
def test_nanoseconds_are_rounded_as_in_json(nanoseconds: int, text: str) -> None:
    column = pa.array([nanoseconds]).view(pa.timestamp("ns", "UTC"))
    expected = from_message(json.dumps(text).encode(), datetime)[1]
    assert TypedColumn("x", datetime).values(column) == [expected]
    nested = pa.array([[nanoseconds]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("ns", "UTC")))
    assert TypedColumn("x", list[datetime]).values(nested) == [[expected]]


@pytest.mark.parametrize("nanoseconds", [86_399_999_999_499, 86_399_999_999_500, 86_399_999_999_999])
def test_time_just_before_midnight_is_the_same_in_json_and_arrow(nanoseconds: int) -> None:
    text = f"23:59:59.{nanoseconds % 10**9:09}"
    expected = from_message(json.dumps(text).encode(), time)[1]
    assert TypedColumn("x", time).values(pa.array([nanoseconds]).view(pa.time64("ns"))) == [expected]


def test_times_of_old_spark_files_are_themselves_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    times = pa.array([-62135596800000000, 0, 253402300799000000, 253402300800000000]).view(pa.timestamp("us"))
    parquet.write_table(pa.table({"x": times}), path, use_deprecated_int96_timestamps=True)
    times_read = [entry[1] for entry in from_file(path, datetime)]
    assert times_read == [datetime(1, 1, 1), datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59), None]  # noqa: DTZ001
