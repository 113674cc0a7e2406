"""Records from CSV and JSON: the same record or the same verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.errors import DecodeError, PipelineError, SourceError
from makiserve.records import Record, RecordFile, Schema, field
from makiserve.records.cells import FLOAT, INT, CsvColumn
from tests.loops import loop_over


class Reading(Record):
    time: int
    house: float = field(name="House overall [kW]")
    temperature: float
    note: str = ""
    wind: float | None = field(name="windSpeed", default=None)
    on: bool | None = None


OPTIONAL = ". If the value may be missing, declare the field float | None = None"
HEADER = b"time,House overall [kW],temperature,note,windSpeed,on\n"


def read(tmp_path: Path, data: bytes, record: type[Record] = Reading, name: str = "house.csv") -> list[Any]:
    path = tmp_path / name
    path.write_bytes(data)
    return [item for block in RecordFile(path, Schema(record)) for item in block]


@loop_over(
    ("row", "message"),
    [
        (b"1,2,-11.45,x,5,true", Reading(1, 2.0, -11.45, "x", 5.0, True)),
        (b"1,+2.5E-3,-0.5,,,", Reading(1, 0.0025, -0.5, "", None, None)),
        (b'1,.5,5.,"a ""b""\nc",1e3,False', Reading(1, 0.5, 5.0, 'a "b"\nc', 1000.0, False)),
        (b"1, 2 ,3,,,", Reading(1, 2.0, 3.0)),
        (b"1,2,nan,,,", f"field 'temperature': expected float, got 'nan'{OPTIONAL}"),
        (b"1,inf,3,,,", "field 'House overall [kW]': expected float, got 'inf'"),
        (b"1,1e999,3,,,", "field 'House overall [kW]': expected float, got '1e999'"),
        (b"1.0,2,3,,,", "field 'time': expected int, got '1.0'"),
        (b"0x10,2,3,,,", "field 'time': expected int, got '0x10'"),
        (b"1,1_0,3,,,", "field 'House overall [kW]': expected float, got '1_0'"),
        (b"1,2,,,,", f"field 'temperature' is missing: expected float{OPTIONAL}"),
        (
            b"1,2,3,,abc,",
            (
                "field 'windSpeed': expected float | None, got 'abc'. If 'abc' marks a missing value, give it with "
                "--na-values or na_values="
            ),
        ),
        (b"1,2,3,,,1", "field 'on': expected bool | None, got '1'"),
        (b"1,2,3,\xff,,", "field 'note': expected str, got b'\\xff', which is not UTF-8"),
        (b"1,2", "2 cells, but the header has 6: '1,2'"),
        (b"1,2,3,,,,7", "7 cells, but the header has 6: '1,2,3,,,,7'"),
    ],
)
def test_row_is_a_record_or_an_error_that_names_the_problem(tmp_path: Path, row: bytes, message: object) -> None:
    good = b"9,9,9,,,"
    rows = read(tmp_path, HEADER + b"\n".join([good, row, good, good]))
    assert rows[0] == rows[2] == rows[3] == Reading(9, 9.0, 9.0)
    if isinstance(message, str):
        assert isinstance(rows[1], DecodeError)
        assert str(rows[1]) == message
    else:
        assert rows[1] == message


@loop_over(
    ("data", "message"),
    [
        (b'{"time": 1, "House overall [kW]": 2, "temperature": "x"}', "field 'temperature': expected float, got \"x\""),
        (b'{"time": 1, "House overall [kW]": 2, "temperature": null}', f"expected float, got null{OPTIONAL}"),
        (b'{"time": 1.5, "House overall [kW]": 2, "temperature": 1}', "field 'time': expected int, got 1.5"),
        (b'{"time": 1, "temperature": 1}', f"field 'House overall [kW]' is missing: expected float{OPTIONAL}"),
        (
            b'{"time": 1, "house_overall_kw": 2, "temperature": 1}',
            "The data have 'house_overall_kw': declare house: float = makiserve.field(name=\"house_overall_kw\")",
        ),
        (b'{"time": 1, "House overall [kW]": NaN, "temperature": 1}', f"expected float, got nan{OPTIONAL}"),
        (b'{"time": 1, "House overall [kW]": 1e999, "temperature": 1}', "not a JSON object: Number out of range"),
        (b'{"time": 1, "House ov', "not a JSON object: Input data was truncated"),
        (b"", "not a JSON object"),
        (b"[1, 2]", "expected a JSON object, got [1,2]"),
        (b"\xff\xfe", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
    ],
)
def test_message_that_does_not_fit_has_a_precise_error(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Schema(Reading).decode_json(data)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_decode_error_carries_field_type_and_value() -> None:
    with pytest.raises(DecodeError) as caught:
        Schema(Reading).decode_json(b'{"time": "soon", "House overall [kW]": 2, "temperature": 1}')
    assert (caught.value.field, caught.value.expected, caught.value.value) == ("time", "int", '"soon"')


def test_integers_are_accepted_for_floats_and_nothing_else_is_converted() -> None:
    record = Schema(Reading).decode_json(b'{"time": 1, "House overall [kW]": 2, "temperature": -3, "extra": {}}')
    assert record == Reading(1, 2.0, -3.0)
    assert isinstance(record.temperature, float)


def test_a_byte_order_mark_and_crlf_are_understood(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + (HEADER + b'1,2,3,"a\r\nb",,\n').replace(b"\n", b"\r\n").replace(b"\r\r", b"\r")
    assert read(tmp_path, data) == [Reading(1, 2.0, 3.0, "a\r\nb")]


@pytest.mark.parametrize("data", [HEADER, HEADER.strip(), b"\xef\xbb\xbf" + HEADER, HEADER + b"\n\n"])
def test_a_header_alone_is_an_empty_stream(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path, data) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (
            b"time,temperature\n1,2\n",
            (
                r"lacks 'House overall \[kW\]', which Reading declares; it has 'time', 'temperature'\. If a column has "
                r'another name, declare house: float = makiserve\.field\(name="COLUMN"\)\. If it may be absent, '
                r"declare it float \| None = None"
            ),
        ),
        (
            b"time,Temperature,House overall [kW]\n1,2,3\n",
            r"If 'Temperature' is 'temperature', declare temperature: float = makiserve\.field\(name=\"Temperature\"\)",
        ),
        (
            b"time,temperature,House overall\n1,2,3\n",
            (
                r"If 'House overall' is 'House overall \[kW\]', declare house: float = makiserve\.field"
                r'\(name="House overall"\)'
            ),
        ),
        (b"time,time,House overall [kW],temperature\n", "'time' more than once"),
    ],
)
def test_a_file_that_cannot_be_the_records_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(tmp_path, data)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        list(RecordFile(tmp_path / "none.csv", Schema(Reading)))


def test_columns_with_defaults_may_be_absent(tmp_path: Path) -> None:
    data = b"temperature,House overall [kW],time,other\n3,2,1,z\n"
    assert read(tmp_path, data) == [Reading(1, 2.0, 3.0)]


def test_json_lines_are_records_too(tmp_path: Path) -> None:
    data = b'{"time": 1, "House overall [kW]": 2, "temperature": 3}\n\n{"time": 1}\n'
    good, bad = read(tmp_path, data, name="house.jsonl")
    assert good == Reading(1, 2.0, 3.0)
    assert isinstance(bad, DecodeError)


class Checked(Record):
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    kind: Literal["a", "b"]

    def __post_init__(self) -> None:
        if self.kind == "b" and self.share > 0.5:
            raise ValueError("a b has a share of at most 0.5")


@pytest.mark.parametrize(
    ("share", "kind", "fits"), [(0.5, "a", True), (2, "a", False), (0.5, "c", False), (1, "b", False)]
)
def test_constraints_hold_for_rows_as_for_messages(tmp_path: Path, share: float, kind: str, fits: bool) -> None:
    (row,) = read(tmp_path, f"share,kind\n{share},{kind}\n".encode(), Checked)
    assert isinstance(row, Checked) is fits
    try:
        message: object = Schema(Checked).decode_json(json.dumps({"share": share, "kind": kind}).encode())
    except DecodeError as error:
        message = error
    assert isinstance(message, Checked) is fits


def test_a_row_longer_than_the_usual_is_read(tmp_path: Path) -> None:
    long = "x" * 2_000_000
    assert read(tmp_path, HEADER + f"1,2,3,{long},,\n".encode())[0].note == long


def test_class_that_is_not_a_record_type_is_refused() -> None:
    with pytest.raises(PipelineError, match=r"subclass of makiserve\.Record"):
        Schema(dict)  # type: ignore[arg-type]


NUMBER_LIKE = st.text("0123456789+-.eExX_ nainf", max_size=8) | st.floats().map(repr) | st.integers().map(str)


@given(st.lists(NUMBER_LIKE, min_size=1, max_size=5), st.sampled_from([float, int, float | None, int | None]))
def test_a_verdict_on_a_cell_never_depends_on_its_neighbours(texts: list[str], kind: object) -> None:
    import pyarrow as pa

    cells = [text.encode() for text in texts]
    column = CsvColumn("x", kind)
    together = column.values(pa.array(cells, pa.binary()))
    alone = [column.value(cell) for cell in cells]
    assert list(map(repr, together)) == list(map(repr, alone))
    for text, value in zip(texts, alone, strict=True):
        if isinstance(value, float):
            assert FLOAT.fullmatch(text.strip())
        if isinstance(value, int):
            assert INT.fullmatch(text.strip())
