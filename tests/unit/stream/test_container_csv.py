"""CSV: what RxSci makes of lines where it is right, and what Python makes of numbers."""

from __future__ import annotations

import csv as stdlib
import gzip
import io
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rx
import rxsci
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.rxsci.container import csv
from tests.loops import loop_over
from tests.unit.stream.feed import emitted


class Reading(NamedTuple):
    time: int
    temperature: float | None
    summary: str
    is_dry: bool = False


class Event(NamedTuple):
    at: posix_timestamp  # type: ignore[name-defined]  # noqa: F821  RxSci's name
    until: datetime | None


LINES = ["time,temperature,summary,is_dry", "1,2.5,dry,True", '2,,"light snow, drizzle",False', '3,0.25,"a \\"b\\"",']
TYPES = [("time", "int"), ("temperature", "float"), ("summary", "str"), ("is_dry", "bool")]
NOON = datetime(2025, 1, 1, 12, tzinfo=timezone.utc)
TEXTS = st.text(st.sampled_from('ab"\\,; \n'), max_size=6)


def outcome(stream: rx.Observable) -> list[Any]:
    notifications: list[Any] = []
    stream.subscribe(notifications.append, notifications.append)
    return notifications


def loaded(lines: list[str], **parameters: Any) -> list[Any]:
    return outcome(rx.from_(lines).pipe(csv.load(csv.create_line_parser(**parameters))))


@loop_over(
    "parameters",
    [
        {"dtype": TYPES[:3]},
        {"dtype": [("time", int), ("temperature", float), ("summary", str)], "schema_name": "reading"},
        {},
        {"none_values": ["dry", "1"]},
        {"separator": ";"},
        {"doublequote": True},
        {"escapechar": None},
        {"escapechar": "^"},
        {"dtype": TYPES[:3], "ignore_error": True},
    ],
    ids=str,
)
@loop_over("skip", [0, 2])
def test_rows_are_rxscis(parameters: dict[str, Any], skip: int) -> None:
    separator = parameters.get("separator", ",")
    lines = [
        separator.join(cells)
        for cells in [
            ("time", "temperature", "summary"),
            ("1", "2.5", "dry"),
            ("2", "0.25", f'"light snow{separator} drizzle"'),
            ("3", "100", '"a ^"b^""' if parameters.get("escapechar") == "^" else '"plain"'),
            ("4", "7.5", '5" pipe'),
            ("5", "7.5", "C:\\temp\\x"),
            ("6", "7.5", ""),
        ]
    ]
    theirs = rxsci.container.csv
    expected = outcome(rx.from_(lines).pipe(theirs.load(theirs.create_line_parser(**parameters), skip=skip)))
    parsed = outcome(rx.from_(lines).pipe(csv.load(csv.create_line_parser(**parameters), skip=skip)))
    assert parsed == expected
    assert len(parsed) == 6 - skip
    assert {type(row).__name__ for row in parsed} == {parameters.get("schema_name", "x")}


def test_a_named_tuple_declares_the_columns() -> None:
    assert loaded(LINES, dtype=Reading) == [
        Reading(1, 2.5, "dry", True),
        Reading(2, None, "light snow, drizzle", False),
        Reading(3, 0.25, 'a "b"', None),
    ]


def test_times_are_declared_by_name_and_know_their_zone() -> None:
    columns = [("posix", "posix_timestamp"), ("iso", "iso_datetime")]
    row = csv.create_line_parser(columns)("1735689600,2025-01-01T00:00:00Z")
    assert row == (datetime(2025, 1, 1, tzinfo=timezone.utc),) * 2
    assert csv.create_line_parser(columns)("0.5,2025-01-01").iso.isoformat() == "2025-01-01T00:00:00"
    assert csv.create_line_parser(Event)("0,") == Event(datetime(1970, 1, 1, tzinfo=timezone.utc), None)


def test_an_unknown_type_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(PipelineError, match=r"temperature: decimal; known: int, float"):
        csv.create_line_parser([("time", int), ("temperature", "decimal")])


@loop_over(
    ("line", "words"),
    [
        ("1,2.5,dry", "3 cells, but 4 columns"),
        ("1,2.5,light snow, drizzle,True", "5 cells, but 4 columns"),
        ("1,warm,dry,True", "column temperature: expected float, got 'warm'"),
        ("1.5,2,dry,True", "column time: expected int, got '1.5'"),
        ("1,2,dry,yes", "column is_dry: expected bool, got 'yes'"),
        ('1,2,"dry,True', "not closed"),
        ("", "1 cells"),
    ],
)
def test_a_line_that_does_not_fit_is_an_error_or_left_out(line: str, words: str) -> None:
    *rows, error = loaded([*LINES, line], dtype=TYPES)
    assert len(rows) == 3
    assert isinstance(error, DecodeError)
    assert words in str(error)
    assert len(loaded([*LINES, line, LINES[1]], dtype=TYPES, ignore_error=True)) == 4


def test_a_time_out_of_range_is_an_error_of_its_line() -> None:
    for cell in ("1e300", "nan", "99999999999999"):
        with pytest.raises(DecodeError, match="posix_timestamp"):
            csv.create_line_parser([("time", "posix_timestamp")])(cell)


def test_without_a_header_the_columns_are_declared() -> None:
    with pytest.raises(PipelineError, match="dtype"):
        csv.load(header=False)
    with pytest.raises(PipelineError, match="dtype"):
        csv.create_line_parser()("1,2")


def test_each_group_has_its_own_header() -> None:
    lines = ["a:x,y", "b:z", "a:1,2", "b:3"]
    groups = rs.ops.group_by(lambda i: i[0], [rs.ops.map(lambda i: i[2:]), csv.load()])
    assert [row._asdict() for row in emitted(groups, lines)] == [{"x": "1", "y": "2"}, {"z": "3"}]


def test_the_header_is_in_the_checkpoint() -> None:
    program = Program(trace(csv.load(csv.create_line_parser(TYPES), skip=1)))
    checkpoints = Checkpoints(program)
    state = program.new_state()
    assert program.feed(LINES[:2], state).outputs == []
    state = checkpoints.load(checkpoints.dump(state))
    assert [row.time for row in program.feed(LINES[2:], state).outputs] == [2, 3]


def test_a_record_that_does_not_fit_leaves_the_lane_as_it_was() -> None:
    program = Program(trace(rx.pipe(csv.load(csv.create_line_parser(TYPES), header=False), rs.ops.count())))
    fed = program.feed([LINES[1], "damaged", LINES[2]], program.new_state())
    assert fed.outputs == [1, 2]
    ((index, error),) = fed.failures
    assert (index, error.operator) == (1, "csv_load(skip=0)")
    assert isinstance(error.__cause__, DecodeError)


@pytest.mark.parametrize("doublequote", [False, True])
@given(rows=st.lists(st.tuples(TEXTS, st.floats(allow_nan=False), st.integers() | st.none())))
def test_dumped_rows_are_loaded_unchanged(doublequote: bool, rows: list[Any]) -> None:
    file = io.StringIO()
    rx.from_(rows).pipe(csv.dump_to_file(file, header=False, doublequote=doublequote)).subscribe()
    file.seek(0)
    parser = csv.create_line_parser([("text", str), ("x", float), ("n", int)], doublequote=doublequote)
    assert outcome(csv.load_from_file(file, parser, header=False)) == rows


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2)))
def test_rfc_4180_is_pythons(rows: list[list[str]]) -> None:
    """The standard library writes and reads the same files."""
    ours, theirs = io.StringIO(), io.StringIO(newline="")
    rx.from_(rows).pipe(csv.dump_to_file(ours, header=False, doublequote=True)).subscribe()
    assert list(stdlib.reader(ours.getvalue().splitlines(keepends=True))) == rows
    stdlib.writer(theirs, lineterminator="\n").writerows(rows)
    theirs.seek(0)
    parser = csv.create_line_parser([("a", str), ("b", str)], doublequote=True)
    assert [list(row) for row in outcome(csv.load_from_file(theirs, parser, header=False))] == rows


@pytest.mark.parametrize(
    "parameters",
    [{}, {"header": False}, {"separator": ";", "newline": "\r\n"}, {"doublequote": True}, {"escapechar": "^"}],
    ids=str,
)
def test_lines_are_rxscis(parameters: dict[str, Any]) -> None:
    rows = [Reading(1, -2.5, 'a "b" \\ ^', True), Reading(2, None, NOON, False)]  # type: ignore[arg-type]
    theirs = outcome(rx.from_(rows).pipe(rxsci.container.csv.dump(**parameters)))
    assert outcome(rx.from_(rows).pipe(csv.dump(**parameters))) == theirs


def test_a_quote_that_cannot_be_written_is_an_error() -> None:
    with pytest.raises(ValueError, match="escapechar or doublequote"):
        rx.of(('"',)).pipe(csv.dump(header=False, escapechar=None)).run()
    assert emitted(csv.dump(header=False, escapechar=None), [("a",)]) == ['"a"\n']


def test_a_file_may_have_a_mark_crlf_blank_lines_and_line_breaks_in_quotes(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b'\xef\xbb\xbfa,b\r\n\r\n1,"two\r\n\r\nlines"\r\n\r\n3,4')
    assert [tuple(row) for row in outcome(csv.load_from_file(path))] == [("1", "two\n\nlines"), ("3", "4")]
    assert [row.a for row in outcome(csv.load_from_file(str(path), skip=1))] == ["3"]


def test_a_file_may_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "file.csv.gz"
    rows = [Reading(1, 2.5, "dry"), Reading(2, None, "wet")]
    assert outcome(rx.from_(rows).pipe(csv.dump_to_file(path, open_obj=gzip.open))) == []
    assert outcome(csv.load_from_file(path, csv.create_line_parser(Reading), open_obj=gzip.open)) == rows


def test_an_error_in_a_file_has_the_number_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b\n\n1,"two\nlines"\n3\n')
    *_, error = outcome(csv.load_from_file(path))
    assert str(error) == "line 5, 1 cells, but 2 columns are declared"
    path.write_text("a\n1\nx\n")
    *_, error = outcome(csv.load_from_file(path, csv.create_line_parser([("a", int)])))
    assert (str(error), error.field, error.value) == ("line 3, column a: expected int, got 'x'", "a", "x")


def test_unclosed_quote_is_an_error_even_if_errors_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b\n1,2\n3,"4\n5,6\n')
    *rows, error = outcome(csv.load_from_file(path, csv.create_line_parser(ignore_error=True)))
    assert [tuple(row) for row in rows] == [("1", "2")]
    assert isinstance(error, DecodeError)
    assert "line 3" in str(error)


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    assert outcome(csv.load_from_file(tmp_path / "empty.csv")) == []


def test_names_of_a_header_that_are_no_names_are_made_so() -> None:
    assert loaded(["House overall [kW],wind speed,class", "1,2,3"])[0]._asdict() == {
        "_0": "1",
        "wind_speed": "2",
        "_2": "3",
    }


@pytest.mark.slow
@loop_over("doublequote", [False, True])
@loop_over("damage", ['"x,', '"', '\\"', ',"', '"a""', '",'])
def test_a_line_of_stray_quotes_takes_no_longer_than_another(damage: str, doublequote: bool) -> None:
    """The test's time limit is the assertion: in quadratic time it takes hours."""
    parse = csv.create_line_parser([("a", str), ("b", str)], doublequote=doublequote, ignore_error=True)
    assert parse(damage * 500_000 + "x") is None
