"""Code as it is written for RxSci 0.33 gives the same here."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pytest
import rx
import rxsci

import makiserve.stream as rs
from makiserve.errors import DecodeError, PipelineError
from tests.loops import loop_over

LINES = ["index,f1,f2", "42,the,True", "7,quick", "8,brown,False"]
COLUMNS = [("index", "int"), ("f1", "str"), ("f2", "bool")]


def seen(stream: rx.Observable) -> list[Any]:
    """The items, and how the stream ended."""
    notifications: list[Any] = []
    stream.subscribe(
        notifications.append, lambda error: notifications.append(type(error)), lambda: notifications.append("done")
    )
    return notifications


def rows(stream: rx.Observable) -> list[Any]:
    return [tuple(notification) if isinstance(notification, tuple) else notification for notification in seen(stream)]


PARSED: dict[str, Callable[[Any], rx.Observable]] = {
    "declared": lambda lib: rx.from_(LINES[:2]).pipe(lib.container.csv.create_line_parser(dtype=COLUMNS)),
    "header": lambda lib: rx.from_(LINES[:2]).pipe(lib.container.csv.create_line_parser()),
    "ignored": lambda lib: rx.from_(LINES).pipe(lib.container.csv.create_line_parser(dtype=COLUMNS, ignore_error=True)),
    "loaded": lambda lib: rx.from_(LINES).pipe(
        lib.container.csv.load(lib.container.csv.create_line_parser(dtype=COLUMNS, ignore_error=True), skip=1)
    ),
    "nothing": lambda lib: rx.from_([]).pipe(lib.container.csv.create_line_parser(dtype=COLUMNS)),
}


@pytest.mark.parametrize("make", PARSED.values(), ids=PARSED.keys())
def test_a_parser_is_an_operator(make: Callable[[Any], rx.Observable]) -> None:
    assert rows(make(rs)) == rows(make(rxsci))


@pytest.mark.parametrize(
    "line", [b"42,the,True", 42, None, ["42", "the", "True"], iter(LINES)], ids=lambda line: type(line).__name__
)
def test_a_parser_raises_on_what_is_not_text(line: Any) -> None:
    parse = rs.container.csv.create_line_parser(dtype=COLUMNS)
    with pytest.raises(TypeError, match="a line of text, not"):
        parse(line)
    assert seen(rx.of(line).pipe(rs.container.csv.load(parse, header=False))) == [TypeError]
    assert seen(rx.of(line).pipe(parse)) == [TypeError]


@pytest.mark.parametrize("parse_line", [lambda line: line, "a,b", ["a", "b"]], ids=["function", "text", "list"])
def test_csv_load_refuses_what_is_not_a_parser(parse_line: Any) -> None:
    with pytest.raises(PipelineError, match="create_line_parser"):
        rs.container.csv.load(parse_line)
    with pytest.raises(PipelineError, match="create_line_parser"):
        rs.container.csv.load_from_file(io.StringIO(), parse_line)


def only_mode(path: str, mode: str) -> IO[Any]:
    return Path(path).open(mode)


def with_encoding(path: str, mode: str, encoding: str | None) -> IO[Any]:
    return Path(path).open(mode, encoding=encoding)


def with_options(path: str, mode: str, **options: Any) -> IO[Any]:
    return Path(path).open(mode, **options)


SCHEMA = pa.schema([("a", pa.int64())])
FORMATS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any]] = {
    "parquet": (
        lambda path, open_obj: rs.container.parquet.dump_to_file(path, SCHEMA, open_obj=open_obj),
        lambda path, open_obj: rs.container.parquet.load_from_file(path, open_obj=open_obj),
        {"a": 1},
    ),
    "json": (
        lambda path, open_obj: rs.container.json.dump_to_file(path, open_obj=open_obj),
        lambda path, open_obj: rs.container.json.load_from_file(path, open_obj=open_obj),
        {"a": 1},
    ),
    "csv": (
        lambda path, open_obj: rs.container.csv.dump_to_file(path, open_obj=open_obj),
        lambda path, open_obj: rs.container.csv.load_from_file(path, open_obj=open_obj),
        rs.container.csv.create_line_parser(dtype=[("a", "str")])("1"),
    ),
    "bytes": (
        lambda path, open_obj: rs.io.write(path, open_obj=open_obj),
        lambda path, open_obj: rs.io.read(path, mode="rb", open_obj=open_obj),
        b"abc",
    ),
    "text": (
        lambda path, open_obj: rs.io.write(path, "w", open_obj=open_obj),
        lambda path, open_obj: rs.io.read(path, open_obj=open_obj),
        "abc",
    ),
}


@loop_over(
    "open_obj", [only_mode, with_encoding, with_options, open, gzip.open], ids=lambda function: function.__name__
)
@loop_over("name", FORMATS)
def test_a_function_of_the_users_opens_every_kind_of_file(name: str, open_obj: Any, tmp_path: Path) -> None:
    dump, load, item = FORMATS[name]
    path = str(tmp_path / name)
    assert seen(rx.of(item).pipe(dump(path, open_obj))) == ["done"]
    assert seen(load(path, open_obj)) == [item, "done"]


def inverse(number: int) -> float:
    return 1 / number


def failing(*items: int) -> rx.Observable:
    return rx.concat(rx.from_(items), rx.throw(OSError("the source")))


Route = Callable[[], Any]
ROUTED: dict[str, Callable[[Any, Route], rx.Observable]] = {
    "inside": lambda lib, route: rx.of(1, 0, 2).pipe(lib.ops.multiplex(rx.pipe(lib.ops.map(inverse), route()))),
    "behind": lambda lib, route: rx.of(1, 0, 2, 0, 4).pipe(lib.ops.multiplex([lib.ops.map(inverse)]), route()),
    "behind a store": lambda lib, route: rx.of(1, 0, 2).pipe(
        lib.state.with_memory_store(rx.pipe(lib.ops.map(inverse), lib.math.sum())), route()
    ),
    "two places": lambda lib, route: rx.of(1, 0, 2).pipe(
        lib.ops.multiplex(rx.pipe(lib.ops.map(inverse), route(), lib.ops.map(lambda i: 1 / (i - 1)), route()))
    ),
    "in a group": lambda lib, route: rx.of(1, 0, 2).pipe(
        lib.state.with_memory_store(lib.ops.group_by(lambda i: i % 2, rx.pipe(lib.ops.map(inverse), route())))
    ),
    "the source fails inside": lambda lib, route: failing(1, 2).pipe(
        lib.ops.multiplex(rx.pipe(lib.ops.map(inverse), route()))
    ),
    "the source fails behind": lambda lib, route: failing(1, 2).pipe(
        lib.ops.multiplex([lib.ops.map(inverse)]), route()
    ),
}


@loop_over("make", ROUTED.values(), ids=ROUTED.keys())
def test_an_error_router_hands_on_each_error_once(make: Callable[[Any, Route], rx.Observable]) -> None:
    logs = []
    for lib in (rs, rxsci):
        log: list[Any] = []
        errors, route = lib.error.create_error_router()
        errors.subscribe(
            lambda error, log=log: log.append(("routed", str(error))), on_completed=lambda log=log: log.append("end")
        )
        make(lib, route).subscribe(
            log.append, lambda error, log=log: log.append(type(error)), lambda log=log: log.append("done")
        )
        logs.append(log)
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: rs.data.clip(lower_bound=8, higher_bound=3),
        lambda: rs.data.roll(0, 1),
        lambda: rs.data.pad_start(-1),
        lambda: rs.ops.tee_map(rs.ops.count(), join="outer"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_a_value_error(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"\w+: "):
        make()


def test_a_line_that_does_not_fit_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="1 cells") as caught:
        rs.container.csv.create_line_parser(dtype=COLUMNS)("7")
    assert isinstance(caught.value, DecodeError)
