"""One verdict for a value, whatever format it comes from."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyarrow import parquet

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.cells import has_literals
from makiserve.records.record import NA_VALUES
from makiserve.records.typed import TypedColumn
from tests.loops import loop_over


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Kind(Enum):
    RAIN = "rain"
    SNOW = "snow"


KINDS: list[Any] = [
    float,
    int,
    bool,
    str,
    bytes,
    datetime,
    date,
    time,
    timedelta,
    Decimal,
    UUID,
    Level,
    Kind,
    Literal["a", "5"],
    Literal[5, 7],
    int | float,
    int | str,
    float | None,
    int | None,
    bool | None,
    str | None,
    datetime | None,
    Decimal | None,
    Annotated[float, msgspec.Meta(ge=0)],
    Annotated[int, msgspec.Meta(ge=0)] | None,
    Annotated[str, msgspec.Meta(max_length=3)],
    list[float],
    list[float | None],
    dict[str, float],
    Any,
]
WORDS = [
    "",
    "a",
    "5",
    "1.0",
    "1e2",
    "nan",
    "NaN",
    "inf",
    "true",
    "False",
    "null",
    "NA",
    "rain",
    "P1D",
    "5s",
    "aGk=",
    "ä",
]
TIMES = [
    "2013-01-01",
    "2013-01-01T05:00:00",
    "2013-01-01T05:00:00.1234567Z",
    "9999-12-31T23:59:59.9999999Z",
    "12:00:00",
]
ODD = [" 5", "+5", "007", str(UUID(int=7)), "1_0", "0x10", "5.", ".5", "1e999", "9" * 30, "0000-01-01"]
TEXTS = st.sampled_from([*WORDS, *TIMES, *ODD])
NUMBERS = st.sampled_from([0, 1, 2, 5, 7, -1, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -0.0, 5.0, 1.5, 1e300, 5e-324])
SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXTS
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2)
REFUSED = "refused"


def record_of(kind: Any) -> type[Record]:
    return type("Row", (Record,), {"__annotations__": {"x": kind}})


def verdict(record: Any) -> Any:
    return (REFUSED, None) if isinstance(record, DecodeError) else (type(record.x), record.x)


def from_message(text: bytes, kind: Any) -> Any:
    return verdict(Schema(record_of(kind)).decode_messages([b'{"x": %s}' % text])[0])


def from_file(path: Path, kind: Any, na_values: list[str] | None = None) -> list[Any]:
    return [verdict(record) for block in RecordFile(path, Schema(record_of(kind), na_values)) for record in block]


def cell_of(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def from_cell(path: Path, cell: str, kind: Any) -> Any:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["x", "other"], [cell, "1"]])
    path.write_bytes(text.getvalue().encode())
    (cell_verdict,) = from_file(path, kind)
    return cell_verdict


def spelled(cell: str, kind: Any) -> Iterator[Any]:
    """The verdicts in JSON on what a cell may spell: a number or a boolean if the type has them, and a text."""
    if has_literals(kind):
        stripped = cell.strip()
        with_zero = stripped.removeprefix("+")
        try:
            literal = json.loads(with_zero.lower())
        except ValueError:
            literal = None
        if isinstance(literal, bool | int | float):
            yield from_message(with_zero.lower().encode(), kind)
    yield from_message(json.dumps(cell).encode(), kind)


@given(VALUES, st.sampled_from(KINDS))
def test_json_lines_and_arrow_give_the_verdict_of_a_message(
    tmp_path_factory: pytest.TempPathFactory, value: Any, kind: Any
) -> None:
    text = json.dumps(value).encode()
    expected = from_message(text, kind)
    path = tmp_path_factory.getbasetemp() / "values.jsonl"
    path.write_bytes(b'{"x": %s}\n' % text)
    assert repr(from_file(path, kind)) == repr([expected])
    try:
        column = pa.array([value])
        parquet.write_table(pa.table({"x": column}), path)
    except pa.ArrowException:  # lists of several types, structs without fields
        return
    assume(repr(column.to_pylist()) == repr([value]))  # in a list, pyarrow makes a number of a boolean
    assert repr(from_file(path, kind)) == repr([expected])


@given(SCALARS, st.sampled_from(KINDS))
def test_a_csv_cell_gets_the_verdict_of_the_json_that_it_spells(
    tmp_path_factory: pytest.TempPathFactory, value: Any, kind: Any
) -> None:
    cell, path = cell_of(value), tmp_path_factory.getbasetemp() / "values.csv"
    cell_verdict = from_cell(path, cell, kind)
    is_optional = msgspec.convert(None, kind | None) is None and kind in [
        optional_kind for optional_kind in KINDS if _has_none(optional_kind)
    ]
    if is_optional and cell in NA_VALUES:
        assert cell_verdict == (type(None), None)
    elif has_literals(kind) and cell.strip() in ("5.", ".5", "007"):  # numbers of CSV that JSON spells otherwise
        assert cell_verdict[0] in (float, int) or cell_verdict == (REFUSED, None) or cell_verdict == (str, cell)
    else:
        accepted = [candidate for candidate in spelled(cell, kind) if candidate[0] != REFUSED]
        assert repr(cell_verdict) == repr(accepted[0] if accepted else (REFUSED, None))


def _has_none(kind: Any) -> bool:
    return type(None) in getattr(kind, "__args__", ())


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
def test_an_arrow_type_is_what_it_stands_for(name: str, kind: Any, expected: list[Any]) -> None:
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


def test_missing_words_are_those_of_pandas() -> None:
    from pandas._libs import parsers  # type: ignore[attr-defined]  # private

    assert NA_VALUES == parsers.STR_NA_VALUES
    frame = pd.read_csv(io.StringIO("x,y\n" + "".join(f"{word},1\n" for word in NA_VALUES)))
    assert frame["x"].isna().all()


@pytest.mark.parametrize("kind", [float | None, int | None, str | None, datetime | None, bool | None])
def test_na_values_change_which_cells_are_none(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n,1\nNA,1\n-999,1\n")
    default, chosen = from_file(path, kind), from_file(path, kind, ["-999"])
    assert [value[1] for value in default[:2]] == [None, None]
    assert default[2] == {int | None: (int, -999), float | None: (float, -999.0)}.get(
        kind, (str, "-999") if kind == str | None else (REFUSED, None)
    )
    assert chosen == [(type(None), None), (str, "NA") if kind == str | None else (REFUSED, None), (type(None), None)]


def test_one_missing_word_may_be_given_alone_and_numbers_may_not() -> None:
    assert Schema(record_of(float), "-999").na_values == {"", "-999"}
    with pytest.raises(ConfigurationError, match=r"na_values= takes the text .*: '-999', not -999"):
        Schema(record_of(float), [-999])  # type: ignore[list-item]


@loop_over(
    ("message", "kind", "expected"),
    [
        (b"NaN", float | None, (type(None), None)),
        (b"-NaN", float | None, (type(None), None)),
        (b"NaN", float, "field 'x': expected float, got nan"),
        (b"[1, NaN]", list[float | None], (list, [1.0, None])),
        (b'"NaN"', str, (str, "NaN")),
        (b'["\\"NaN", NaN]', list[str | None], (list, ['"NaN', None])),
        (b"Infinity", float | None, "not a JSON object"),
        (b'"NaN", "y": NaN', float | None, "field 'x': expected float | None, got \"NaN\""),
    ],
)
def test_nan_in_a_message_is_a_missing_value(message: bytes, kind: Any, expected: Any) -> None:
    (record,) = Schema(record_of(kind)).decode_messages([b'{"x": %s}' % message])
    if isinstance(expected, str):
        assert isinstance(record, DecodeError)
        assert expected in str(record)
    else:
        assert verdict(record) == expected


def test_a_post_init_that_raises_is_a_dead_letter_in_every_format(tmp_path: Path) -> None:
    class Ratio(Record):
        part: float
        whole: float = 1.0

        def __post_init__(self) -> None:
            self.part / self.whole

    rows = [{"part": 1.0, "whole": 0.0}, {"part": 1.0, "whole": 2.0}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        bad, good = (record for block in RecordFile(tmp_path / name, Schema(Ratio)) for record in block)
        assert re.fullmatch("ZeroDivisionError: (float )?division by zero", str(bad))  # Python 3.14 omits the word
        assert good == Ratio(1.0, 2.0)
