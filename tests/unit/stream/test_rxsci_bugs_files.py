"""Bugs of RxSci's file operators, which makiserve does not have."""

from __future__ import annotations

import gzip
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rx
import zstandard

import makiserve.stream as rs
from makiserve.errors import DecodeError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.rxsci.compression import z, zstd
from makiserve.stream.rxsci.container import csv, parquet
from makiserve.stream.rxsci.framing import length_prefix, line
from makiserve.stream.rxsci.io import walk
from tests.unit.stream.feed import emitted

# RxSci reads every cell other than "True" as False, also "true", "1" and damaged ones.

BOOLS = csv.create_line_parser([("is_dry", bool)])


@pytest.mark.parametrize(("cell", "value"), [("True", True), ("true", True), ("FALSE", False), ("", None)])
def test_a_bool_cell_is_true_or_false(cell: str, value: bool | None) -> None:
    assert BOOLS(cell).is_dry is value


@pytest.mark.parametrize("cell", ["1", "yes", "Tru"])
def test_any_other_bool_cell_is_an_error(cell: str) -> None:
    with pytest.raises(DecodeError, match="expected bool"):
        BOOLS(cell)


# RxSci encodes each CSV line by itself: in UTF-16 every line begins with a byte order mark.


def test_a_byte_order_mark_is_written_once(tmp_path: Path) -> None:
    rs.run(rx.of((1, 2), (3, 4)).pipe(csv.dump_to_file(tmp_path / "file.csv", header=False, encoding="utf-16")))
    assert (tmp_path / "file.csv").read_bytes() == "1,2\n3,4\n".encode("utf-16")


# RxSci splits at "\n" only: the last column of a file with "\r\n" keeps the "\r".


def test_a_carriage_return_is_part_of_the_line_end() -> None:
    assert emitted(line.unframe(), ["a,b\r", "\n1,x\r\n2,", "y"]) == ["a,b", "1,x", "2,y"]


def test_the_last_column_has_no_carriage_return() -> None:
    rows = emitted(rx.pipe(line.unframe(), csv.load()), ["a,b\r\n1,x\r\n"])
    assert [row._asdict() for row in rows] == [{"a": "1", "b": "x"}]


# RxSci's documentation has ignore_error the wrong way round, and RxSci logs ignored lines with their content.

NOT_ALL_INTEGERS = ["a", "1", "one", "2"]


def test_a_damaged_csv_line_is_left_out_if_errors_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    values: list[int] = []
    with caplog.at_level(logging.DEBUG):
        parser = csv.create_line_parser([("a", int)], ignore_error=True)
        rx.from_(NOT_ALL_INTEGERS).pipe(csv.load(parser)).subscribe(lambda row: values.append(row.a))
    assert values == [1, 2]
    assert caplog.messages == []


def test_a_damaged_csv_line_ends_the_stream_by_default() -> None:
    with pytest.raises(DecodeError, match="column a: expected int, got 'one'"):
        rx.from_(NOT_ALL_INTEGERS).pipe(csv.load(csv.create_line_parser([("a", int)]))).run()


# RxSci reads the digits before and after the point separately: -11.45 as -10.55, -0.5 as 0.5, others an ulp off.


@pytest.mark.parametrize(("text", "value"), [("-11.45", -11.45), ("-0.5", -0.5), ("-0.0", -0.0), ("1e-3", 0.001)])
def test_a_negative_decimal_keeps_its_sign(text: str, value: float) -> None:
    (parsed,) = csv.create_line_parser([("temperature", "float")])(text)
    assert repr(parsed) == repr(value)


def test_every_float_is_the_nearest() -> None:
    parse = csv.create_line_parser([("x", float)])
    numbers = [random.Random(7).gauss(0, 1000) for _ in range(10_000)]
    assert [parse(repr(number)).x for number in numbers] == numbers


# RxSci's csv.load reads the first record after each start as a header, so windows differ from those of training.

PARSER = csv.create_line_parser([("time", int), ("x", float)])
LINES = ["1,0.5", "2,1.5", "3,2.5", "4,3.5"]


def test_a_topic_has_no_header() -> None:
    assert [row.time for row in emitted(csv.load(PARSER, header=False), LINES)] == [1, 2, 3, 4]


def test_a_file_has_a_header() -> None:
    assert [row.time for row in emitted(csv.load(PARSER), ["time,x", *LINES])] == [1, 2, 3, 4]


def test_a_restart_takes_no_record_for_the_header() -> None:
    program = Program(trace([csv.load(PARSER), rs.ops.map(lambda row: row.time)]))
    checkpoints = Checkpoints(program)
    state, outputs = program.new_state(), list[Any]()
    for text in ["time,x", *LINES]:
        outputs += program.feed([text], state).outputs
        state = checkpoints.load(checkpoints.dump(state))
    assert outputs == [1, 2, 3, 4]


# RxSci's csv.dump_to_file opens a path for bytes and writes text to it, unless an encoding is given.


def test_csv_is_written_to_a_path_without_an_encoding(tmp_path: Path) -> None:
    rs.run(rx.of((1, "ü")).pipe(csv.dump_to_file(str(tmp_path / "file.csv"), header=False)))
    assert (tmp_path / "file.csv").read_bytes() == '1,"ü"\n'.encode()


# RxSci stops after the first member of a gzip file, or frame of a Zstandard file, and drops the rest without an error.


@pytest.mark.parametrize(("module", "compress"), [(z, gzip.compress), (zstd, zstandard.compress)], ids=["z", "zstd"])
def test_every_member_of_a_compressed_file_is_read(module: Any, compress: Callable[[bytes], bytes]) -> None:
    parts: list[bytes] = []
    rx.of(compress(b"one ") + compress(b"two ")[:5], compress(b"two ")[5:] + compress(b"three")).pipe(
        module.decompress()
    ).subscribe(parts.append)
    assert b"".join(parts) == b"one two three"


# RxSci drops an incomplete item when the stream ends, and writes an item that it has reported as too long.


def outcome(items: list[bytes], step: Any) -> list[Any]:
    notifications: list[Any] = []
    rx.from_(items).pipe(step).subscribe(notifications.append, notifications.append)
    return notifications


def test_every_incomplete_framed_item_is_an_error() -> None:
    item, error = outcome([b"\x01a\x05b"], length_prefix.unframe(prefix_size=1))
    assert item == b"a"
    assert isinstance(error, DecodeError)
    assert "2 bytes" in str(error)


def test_an_item_that_is_too_long_is_an_error() -> None:
    longest, error = outcome([bytes(255), bytes(256), b"a"], length_prefix.frame(prefix_size=1))
    assert longest == b"\xff" + bytes(255)
    assert isinstance(error, ValueError)
    assert "256 bytes" in str(error)


# RxSci writes the last batch of a Parquet file twice if they are full: 1024 rows become 2048.


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2048])
def test_parquet_rows_are_written_once(tmp_path: Path, count: int) -> None:
    path = tmp_path / "file.parquet"
    rs.run(rx.from_({"i": i} for i in range(count)).pipe(parquet.dump_to_file(path, pa.schema({"i": pa.int64()}))))
    assert pq.read_table(path)["i"].to_pylist() == list(range(count))


# RxSci's walk always descends into sub-folders, whatever `recursive` is.


@pytest.mark.parametrize(("recursive", "names"), [(True, ["a", "sub/b"]), (False, ["a"])])
def test_walk_stays_in_its_folder_if_requested(tmp_path: Path, recursive: bool, names: list[str]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").touch()
    (tmp_path / "sub" / "b").touch()
    paths: list[str] = []
    walk(str(tmp_path), recursive=recursive).subscribe(paths.append)
    assert paths == [str(tmp_path / name) for name in names]
