"""The same records from every format that a file may have, and clear errors for other files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import threading
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from google.protobuf.message_factory import GetMessageClass
from pyarrow import parquet

from makiserve.errors import DecodeError, SourceError
from makiserve.records import Record, RecordFile, Schema, field
from makiserve.records.protobuf import compiled
from tests.loops import loop_over


class Reading(Record):
    time: int
    house: str
    power: float = field(name="power [kW]")
    on: bool | None = None
    wind: float | None = None
    kind: str = "plain"


ROWS: list[dict[str, Any]] = [
    {"time": 1, "house": "a", "power [kW]": 1.5, "on": True, "wind": None},
    {"time": -2, "house": 'b "c", d;\te|', "power [kW]": -1e-300, "on": None, "wind": 0.1},
    {"time": 3, "house": "ä\n€", "power [kW]": None, "on": False, "wind": 2.0},
    {"time": 2**60, "house": "", "power [kW]": 7.0, "on": None, "wind": None},
]
GOOD = [
    Reading(1, "a", 1.5, True),
    Reading(-2, 'b "c", d;\te|', -1e-300, None, 0.1),
    None,
    Reading(2**60, "", 7.0),
]


def as_csv(delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ROWS[0], delimiter=delimiter)
    writer.writeheader()
    for row in ROWS:
        writer.writerow({name: json.dumps(cell) if type(cell) is bool else cell for name, cell in row.items()})
    return text.getvalue().encode(encoding)


def as_json_lines() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def as_parquet(**options: Any) -> bytes:
    file = io.BytesIO()
    table = pa.Table.from_pylist([row | {"other": [1, 2]} for row in ROWS])
    parquet.write_table(table, file, **options)
    return file.getvalue()


AVRO_SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "other", "type": {"type": "array", "items": "string"}, "default": ["not declared"]},
        {"name": "time", "type": "long"},
        {"name": "house", "type": "string"},
        {"name": "power", "type": ["null", "double"]},
        {"name": "on", "type": ["null", "boolean"]},
        {"name": "wind", "type": ["null", "double"]},
    ],
}
PROTO = """syntax = "proto3";
message Reading {
  int64 time = 1; string house = 2; optional double power = 3; optional bool on = 4; optional double wind = 5;
}"""


def as_avro(codec: str = "null", block_bytes: int = 16_000) -> bytes:
    file = io.BytesIO()
    rows = [{"power" if name == "power [kW]" else name: cell for name, cell in row.items()} for row in ROWS]
    fastavro.writer(file, AVRO_SCHEMA, rows, codec=codec, sync_interval=block_bytes)
    return file.getvalue()


def as_protobuf() -> bytes:
    kind = GetMessageClass(compiled(PROTO).message((0,)))
    messages = []
    for row in ROWS:
        cells = {"power" if name == "power [kW]" else name: cell for name, cell in row.items() if cell is not None}
        messages.append(kind(**cells).SerializeToString())
    return b"".join(bytes([len(message)]) + message for message in messages)  # none has more than 127 bytes


FORMATS: dict[str, Callable[[], bytes]] = {
    "a.csv": as_csv,
    "semicolons.csv": lambda: as_csv(";"),
    "tabs.tsv": lambda: as_csv("\t"),
    "bars.txt": lambda: as_csv("|"),
    "excel.txt": lambda: as_csv("\t", "utf-16"),
    "bom.csv": lambda: as_csv(encoding="utf-8-sig"),
    "a.jsonl": as_json_lines,
    "nameless": as_json_lines,
    "bom.jsonl": lambda: b"\xef\xbb\xbf" + as_json_lines(),
    "crlf.ndjson": lambda: as_json_lines().replace(b"\n", b"\r\n").rstrip(),
    "a.parquet": as_parquet,
    "misnamed.csv": lambda: as_parquet(row_group_size=2, compression="zstd"),
    "words.parquet": lambda: as_parquet(use_dictionary=["house"], version="1.0"),
    "a.csv.gz": lambda: gzip.compress(as_csv()),
    "misnamed.json": lambda: gzip.compress(as_json_lines()),
    "members.jsonl.gz": lambda: b"".join(gzip.compress(line) for line in as_json_lines().splitlines(keepends=True)),
    "frames.csv.zst": lambda: b"".join(zstandard.compress(as_csv()[cut]) for cut in (slice(70), slice(70, None))),
    "a.parquet.gz": lambda: gzip.compress(as_parquet()),
    "a.avro": as_avro,
    "blocks.avro": lambda: as_avro(block_bytes=1),
    "misnamed.tsv": lambda: as_avro("deflate"),
    "snappy.avro": lambda: as_avro("snappy"),
    "zstandard.avro": lambda: as_avro("zstandard"),
    "a.avro.gz": lambda: gzip.compress(as_avro()),
    "a.pb": as_protobuf,
    "a.pb.gz": lambda: gzip.compress(as_protobuf()),
}


def records(path: Path, record: type[Record] = Reading) -> list[Any]:
    return [item for block in RecordFile(path, Schema(record)) for item in block]


@loop_over("name", FORMATS)
def test_every_format_gives_the_same_records(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FORMATS[name]())
    (tmp_path / "a.proto").write_text(PROTO)
    rows = records(path)
    assert isinstance(rows[2], DecodeError)
    assert (rows[2].field, rows[2].expected) == ("power [kW]", "float")
    assert [*rows[:2], None, *rows[3:]] == GOOD
    assert type(rows[3].power) is float


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "excel.txt", "a.avro", "a.pb"])
def test_a_pipe_gives_the_same_records(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    (tmp_path / "a.proto").write_text(PROTO)
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[FORMATS[name]()])
    writer.start()
    rows = records(path)
    writer.join()
    assert rows[:2] == GOOD[:2]
    assert rows[3:] == GOOD[3:]


OPTIONAL = ". If the value may be missing, declare the field float | None = None"


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ([1.0, float("nan")], float, f"field 'x': expected float, got nan{OPTIONAL}"),
        ([1.0, float("inf")], float, "field 'x': expected float, got inf"),
        ([1.0, None], float, f"field 'x': expected float, got null{OPTIONAL}"),
        ([1.0, 2.0], int, "field 'x': expected int, got 2.0"),
        ([True, False], float, "field 'x': expected float, got false"),
        (["1", "2"], float, "field 'x': expected float, got \"2\""),
        ([1, 2], str, "field 'x': expected str, got 2"),
        ([1, 0], bool, "field 'x': expected bool, got 0"),
    ],
)
def test_a_value_of_parquet_is_judged_as_one_of_json(tmp_path: Path, value: Any, kind: Any, message: str) -> None:
    only = type("Only", (Record,), {"__annotations__": {"x": kind}})
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"x": value}), path)
    error = records(path, only)[1]
    assert str(error) == message
    if "nan" not in message and "inf" not in message:  # JSON has no such numbers
        (tmp_path / "x.jsonl").write_text(json.dumps({"x": value[1]}))
        assert str(records(tmp_path / "x.jsonl", only)[0]) == message


def test_memory_does_not_grow_with_the_row_groups_of_a_parquet_file(tmp_path: Path) -> None:
    class Number(Record):
        value: float

    path = tmp_path / "numbers.parquet"
    table = pa.table({"value": np.random.default_rng(3).random(2_000_000)})
    parquet.write_table(table, path, row_group_size=20_000, use_dictionary=False)
    tracemalloc.start()  # Arrow keeps what it reads from a Python file as Python objects
    try:
        for _ in RecordFile(path, Schema(Number)):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 2


def test_times_lists_and_numbers_of_any_width_are_taken_from_parquet(tmp_path: Path) -> None:
    class Rich(Record):
        when: datetime
        small: int
        half: float
        whole: float
        many: list[int]

    path = tmp_path / "rich.parquet"
    when = datetime(2013, 1, 1, 5, tzinfo=timezone.utc)
    columns = {
        "when": pa.array([when], pa.timestamp("ns", "UTC")),
        "small": pa.array([3], pa.uint8()),
        "half": pa.array([0.5], pa.float32()),
        "whole": pa.array([4], pa.int64()),
        "many": pa.array([[1, 2]]),
    }
    parquet.write_table(pa.table(columns), path)
    assert records(path, Rich) == [Rich(when, 3, 0.5, 4.0, [1, 2])]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("cut.csv.gz", lambda: gzip.compress(as_csv() * 30_000)[:-10], "damaged or incomplete: Truncated"),
        pytest.param(
            "cut.csv.zst",
            lambda: zstandard.compress(as_csv() * 100_000)[:-10],
            "damaged or incomplete: Truncated",
            marks=pytest.mark.slow,
        ),
        (
            "odd.csv.gz",
            lambda: gzip.compress(as_csv())[:-6] + b"\0" * 6,
            "damaged or incomplete: .*incorrect data check",
        ),
        ("cut.parquet", lambda: as_parquet()[:-20], "not readable as Parquet"),
        ("less.parquet", lambda: as_parquet(), "lacks 'absent', which .*Absent declares"),
    ],
)
def test_damaged_file_is_reported(tmp_path: Path, name: str, data: Callable[[], bytes], message: str) -> None:
    class Absent(Record):
        absent: int

    (tmp_path / name).write_bytes(data())
    with pytest.raises(SourceError, match=message) as caught:
        records(tmp_path / name, Absent if "less" in name else Reading)
    assert name in str(caught.value)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv())
    blocks = iter(RecordFile(path, Schema(Reading)))
    next(blocks)
    with path.open("ab") as file:
        file.write(b"5,a,1,,\n")
    with pytest.raises(SourceError, match="the file changed while it was read"):
        next(blocks)


def test_many_bad_cells_leave_the_other_rows_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,house,power [kW]\n" + "".join(f"{n},h,{'x' if n % 3 == 0 else n}\n" for n in range(9)))
    rows = records(path)
    assert [type(row) is DecodeError for row in rows] == [n % 3 == 0 for n in range(9)]
    assert rows[1] == Reading(1, "h", 1.0)


@pytest.mark.parametrize("cut", [slice(4), slice(40), slice(-1), slice(-30)])
def test_a_damaged_avro_file_is_a_source_error(tmp_path: Path, cut: slice) -> None:
    path = tmp_path / "a.avro"
    path.write_bytes(as_avro()[cut])
    with pytest.raises(SourceError, match=r"a\.avro"):
        records(path)


@pytest.mark.slow
def test_an_avro_file_with_changed_bytes_gives_records_or_errors(tmp_path: Path) -> None:
    path, data = tmp_path / "a.avro", as_avro()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            assert len(records(path)) <= len(data)
        except SourceError as error:
            assert "a.avro" in str(error)  # noqa: PT017  both outcomes are right


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x05\x08\x01", "the last message is incomplete"),
        (b"\xff" * 12, "a length prefix of more than 10 bytes"),
        (b"\xff\xff\xff\xff\x0f", "a message of 4,294,967,295 bytes"),
    ],
)
def test_a_damaged_protobuf_file_is_a_source_error(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.proto").write_text(PROTO)
    (tmp_path / "a.pb").write_bytes(data)
    with pytest.raises(SourceError, match=words):
        records(tmp_path / "a.pb")


def test_a_protobuf_file_needs_its_schema(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(as_protobuf())
    with pytest.raises(SourceError, match=r"the schema of its messages, .*a\.proto, does not exist"):
        records(tmp_path / "a.pb")
