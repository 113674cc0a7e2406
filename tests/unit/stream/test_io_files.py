"""Files as Observables: chunks, paths, sinks, and what closes them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import rx
import rx.operators
from rx.subject import Subject

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import trace
from makiserve.stream.ops import map as mapped
from makiserve.stream.rxsci import container
from makiserve.stream.rxsci.io import read, walk, write


def outcome(stream: rx.Observable) -> list[Any]:
    """The items, and the error or True for completion."""
    notifications: list[Any] = []
    stream.subscribe(notifications.append, notifications.append, lambda: notifications.append(True))
    return notifications


class Watched(io.StringIO):
    """A file that remembers all that was written after it was closed."""

    text = ""

    def close(self) -> None:
        if not self.closed:
            self.text = self.getvalue()
        super().close()


def test_a_file_is_read_whole_or_in_chunks(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("Ünïcödé", encoding="utf-8")
    file = tmp_path / "file"
    assert outcome(read(str(file))) == ["Ünïcödé", True]
    assert outcome(read(file, size=3)) == ["Ünï", "cöd", "é", True]
    assert outcome(read(file, mode="rb", size=100)) == ["Ünïcödé".encode(), True]
    assert outcome(read(file, encoding="latin-1")) == ["Ünïcödé".encode().decode("latin-1"), True]
    assert outcome(read(io.StringIO(""))) == ["", True]
    assert outcome(read(io.StringIO(""), size=4)) == [True]


def test_each_subscription_reads_the_file_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("abc")
    chunks = read(tmp_path / "file")
    assert [outcome(chunks), outcome(chunks)] == [["abc", True]] * 2


def test_the_user_may_open_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    assert outcome(rx.of("one\n", "two").pipe(write(path, encoding="utf-8", open_obj=gzip.open))) == [True]
    assert gzip.decompress(path.read_bytes()) == b"one\ntwo"
    assert outcome(read(path, open_obj=gzip.open)) == ["one\ntwo", True]


def test_a_file_that_is_missing_is_the_streams_error(tmp_path: Path) -> None:
    (error,) = outcome(read(tmp_path / "none"))
    assert isinstance(error, FileNotFoundError)
    (error,) = outcome(rx.of(b"").pipe(write(tmp_path / "none" / "file")))
    assert isinstance(error, FileNotFoundError)
    (error,) = outcome(walk(tmp_path / "none"))
    assert isinstance(error, FileNotFoundError)


def test_reading_ends_with_the_subscription() -> None:
    opened: list[io.StringIO] = []

    def open_obj(*_: Any, **__: Any) -> io.StringIO:
        opened.append(io.StringIO("abc" * 10))
        return opened[-1]

    assert outcome(read("file", size=1, open_obj=open_obj).pipe(rx.operators.take(2))) == ["a", "b", True]
    assert [file.closed for file in opened] == [True]


def test_a_path_is_closed_when_the_stream_completes_an_open_file_is_not() -> None:
    file, path = io.StringIO(), Watched()
    assert outcome(rx.of("a", "b").pipe(write(file))) == [True]
    assert file.getvalue() == "ab"
    assert outcome(rx.of("a", "b").pipe(write("path", "w", open_obj=lambda *_, **__: path))) == [True]
    assert path.closed
    assert path.text == "ab"


@pytest.mark.parametrize("end", ["error", "dispose", "write error"])
def test_a_path_is_closed_whatever_ends_the_stream(end: str) -> None:
    path, source, errors = Watched(), Subject(), list[Any]()
    sink = source.pipe(write("path", "w", open_obj=lambda *_, **__: path))
    subscription = sink.subscribe(errors.append, errors.append)
    source.on_next("a")
    if end == "error":
        source.on_error(ValueError("upstream"))
    elif end == "write error":
        source.on_next(3)
    else:
        subscription.dispose()
    assert path.closed
    assert path.text == "a"
    assert [type(error) for error in errors] == {"error": [ValueError], "write error": [TypeError]}.get(end, [])
    assert not source.observers


def test_a_file_that_cannot_be_closed_is_the_streams_error() -> None:
    class Full(io.StringIO):
        def close(self) -> None:
            super().close()
            raise OSError("no space left")

    (error,) = outcome(rx.of("a").pipe(write("path", "w", open_obj=lambda *_, **__: Full())))
    assert str(error) == "no space left"


def test_a_folder_is_walked_in_order(tmp_path: Path) -> None:
    for name in ("b.csv", "sub/z.csv", "a.csv", "also/sub/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv", "also/sub/c.csv", "sub/z.csv")]
    assert outcome(walk(str(tmp_path))) == [*paths, True]


@pytest.mark.parametrize(
    "make",
    [
        lambda: write("file"),
        lambda: container.csv.dump_to_file("file"),
        lambda: container.csv.dump_to_file("file", encoding="utf-8"),
        lambda: container.json.dump_to_file("file", compression="gzip"),
        lambda: container.parquet.dump_to_file("file", pa.schema({})),
    ],
)
def test_sinks_are_refused_in_a_traced_pipeline(make: Callable[[], Any]) -> None:
    with pytest.raises(PipelineError, match=r"(write|dump_to_file) cannot be used .*cannot be undone"):
        trace(rx.pipe(mapped(str), make()))
