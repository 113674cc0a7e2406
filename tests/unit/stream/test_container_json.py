"""JSON: lines, whole files, compressed ones, as RxSci reads and writes them."""

from __future__ import annotations

import gzip
import io
import json as stdlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import rx
import rxsci
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.rxsci.container import json
from tests.unit.stream.feed import emitted

OBJECTS = [{"a": 1, "b": [1.5, None, True]}, [], "text ü", 3, {"nested": {"c": "\n"}}]
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(st.text(), inner | st.none(), max_size=3),
    max_leaves=6,
)


class Point(NamedTuple):
    x: float
    y: float


class Record(msgspec.Struct):
    time: int


def outcome(stream: rx.Observable) -> list[Any]:
    notifications: list[Any] = []
    stream.subscribe(notifications.append, notifications.append)
    return notifications


@pytest.mark.parametrize("parameters", [{}, {"skip": 2}, {"ignore_error": True}, {"skip": 1, "ignore_error": True}])
def test_objects_are_rxscis(parameters: dict[str, Any]) -> None:
    texts = [*map(stdlib.dumps, OBJECTS), "", "null", b'{"bytes": 1}', "[2]"]
    if "ignore_error" in parameters:
        texts.insert(3, "{damaged")
    theirs = outcome(rx.from_(texts).pipe(rxsci.container.json.load(**parameters)))
    assert outcome(rx.from_(texts).pipe(json.load(**parameters))) == theirs


@pytest.mark.parametrize("newline", ["\n", "", "\r\n"])
def test_texts_are_rxscis(newline: str) -> None:
    theirs = outcome(rx.from_(OBJECTS).pipe(rxsci.container.json.dump(newline)))
    assert emitted(json.dump(newline), OBJECTS) == theirs


@given(VALUES)
def test_a_value_survives(value: Any) -> None:
    assert emitted(json.load(), emitted(json.dump(), [value])) == [value]


def test_types_that_json_lacks_are_written_as_by_msgspec() -> None:
    time = datetime(2025, 1, 1, tzinfo=timezone.utc)
    texts = emitted(json.dump(""), [Point(1, 2.5), Record(3), {"time": time}])
    assert texts == ["[1,2.5]", '{"time":3}', '{"time":"2025-01-01T00:00:00Z"}']


@pytest.mark.parametrize("text", ["{", "1 2", "{'a': 1}", b"\xff", "NaN"])
def test_invalid_json_is_an_error(text: str | bytes) -> None:
    (error,) = outcome(rx.of(text).pipe(json.load()))
    assert isinstance(error, DecodeError)


@pytest.mark.slow
@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_a_file_that_is_written_is_read_again(tmp_path: Path, compression: Any, encoding: str) -> None:
    path = tmp_path / "file.json"
    many = OBJECTS * 5000  # several chunks
    assert outcome(rx.from_(many).pipe(json.dump_to_file(path, encoding=encoding, compression=compression))) == []
    assert outcome(json.load_from_file(path, encoding=encoding, compression=compression)) == many
    decompress: Any = {"gzip": gzip.decompress, "zstd": decompressed, None: bytes}[compression]
    lines = decompress(path.read_bytes()).decode(encoding).splitlines()
    assert list(map(stdlib.loads, lines)) == many


def decompressed(data: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        return reader.read()


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_rxsci_reads_what_is_written_and_the_other_way_round(tmp_path: Path, compression: Any) -> None:
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    outcome(rx.from_(OBJECTS).pipe(json.dump_to_file(ours, compression=compression)))
    outcome(rx.from_(OBJECTS).pipe(rxsci.container.json.dump_to_file(theirs, compression=compression)))
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    assert outcome(rxsci.container.json.load_from_file(ours, compression=compression)) == OBJECTS
    assert outcome(json.load_from_file(theirs, compression=compression)) == OBJECTS


def test_a_file_may_be_one_object() -> None:
    text = stdlib.dumps(OBJECTS, indent=2).encode()
    assert outcome(json.load_from_file(io.BytesIO(text), lines=False)) == [OBJECTS]


def test_lines_of_a_file_may_be_skipped_blank_or_damaged() -> None:
    text = b'{"version": 1}\r\n\r\n[1]\r\n[2\r\n[3]'
    assert outcome(json.load_from_file(io.BytesIO(text), skip=1, ignore_error=True)) == [[1], [3]]
    assert [type(notification) for notification in outcome(json.load_from_file(io.BytesIO(text)))] == [
        dict,
        list,
        DecodeError,
    ]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_truncated_file_is_an_error(tmp_path: Path, compression: Any) -> None:
    path = tmp_path / "file"
    outcome(rx.from_(OBJECTS).pipe(json.dump_to_file(path, compression=compression)))
    path.write_bytes(path.read_bytes()[:-3])
    *_, error = outcome(json.load_from_file(path, compression=compression))
    assert isinstance(error, DecodeError)


def test_an_unknown_compression_is_refused() -> None:
    for make in (json.load_from_file, json.dump_to_file):
        with pytest.raises(PipelineError, match="gzip, zstd or None, not 'lz4'"):
            make("file", compression="lz4")  # type: ignore[arg-type]
