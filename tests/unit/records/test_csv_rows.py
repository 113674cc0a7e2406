"""Rows of CSV files: quotes that are not closed, headers, blank lines."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from makiserve.errors import DecodeError, SourceError
from makiserve.records import Record, RecordFile, Schema, csv_rows
from makiserve.records.csv_rows import whole_rows


class Row(Record):
    time: int
    note: str


class Optional(Record):
    note: str = "default"
    wind: float | None = None


def read(path: Path, text: str | bytes, record: type[Record] = Row) -> list[Any]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [item for block in RecordFile(path, Schema(record)) for item in block]


def test_an_open_quote_costs_its_line_and_not_the_rest(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", 'time,note\n1,"5 inch\n' + "".join(f"{n},ok\n" for n in range(2, 1001)))
    assert rows[1:] == [Row(n, "ok") for n in range(2, 1001)]
    assert str(rows[0]) == (
        "line 2: the quote that opens '\"5 inch' is never closed, so its cell would cover 1,000 lines. Only this line "
        'is skipped. Close the quote, or write "" for a quote inside a text'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('1,"a\n2,"b"\n3,c\n', ["line 2: .* is not closed before the next one, .* 2 lines", Row(2, "b"), Row(3, "c")]),
        ('1,"a\n2,"b\n3,"c"\n', ["line 2: ", "line 3: ", Row(3, "c")]),
        ('1,"a\nb"\n2,"c\n3,d', [Row(1, "a\nb"), "line 4: .* is never closed, .* 2 lines", Row(3, "d")]),
        ('1,"a\n', ["line 2: .* is never closed, .* 1 lines"]),
        ('1,"', ["line 2: .* is never closed"]),
        ('1,"a\r\n2,"b"\r\n3,c\r\n', ["line 2: ", Row(2, "b"), Row(3, "c")]),
        ('1,"a\r2,"b"\r3,c\r', ["line 2: ", Row(2, "b"), Row(3, "c")]),
        ('\n\n1,"a\n2,b\n', ["line 4: ", Row(2, "b")]),
        ('1,5"\n2,6" x "y"\n', [Row(1, '5"'), Row(2, '6" x "y"')]),
        ('1,"5" inch\n2,b\n', [Row(1, "5 inch"), Row(2, "b")]),
        ('1,"a ""b\nc"" d"\n2,""\n', [Row(1, 'a "b\nc" d'), Row(2, "")]),
    ],
)
def test_quotes_are_closed_or_located(tmp_path: Path, text: str, expected: list[Any]) -> None:
    rows = read(tmp_path / "a.csv", "time,note\n" + text)
    assert len(rows) == len(expected)
    for item, wanted in zip(rows, expected, strict=True):
        if isinstance(wanted, str):
            with pytest.raises(DecodeError, match=wanted):
                raise item
        else:
            assert item == wanted


@given(st.lists(st.tuples(st.integers(0, 9), st.text('a,"\r\n ;', max_size=8)), max_size=8))
def test_quoted_cells_are_read_unchanged(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["time", "note"], *values])
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    assert read(path, text.getvalue()) == [Row(*value) for value in values]


@example('\r\n"', [1], 3)
@example('\ra\n"', [1, 1], 3)
@given(st.text('a,"\r\n', max_size=60), st.lists(st.integers(1, 20)), st.sampled_from([3, 20, 1000]))
def test_the_cut_into_pieces_does_not_matter(text: str, sizes: list[int], longest: int) -> None:
    data = text.encode()
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "MAX_ROW_BYTES", 1000)
        whole, cut = ([*whole_rows(iter(given), ",", 2)] for given in ([data], [*pieces, data[at:]]))
    assert _joined(whole) == _joined(cut)


def _joined(pieces: list[bytes | DecodeError]) -> tuple[bytes, list[str]]:
    return b"".join(piece for piece in pieces if isinstance(piece, bytes)), [
        str(piece) for piece in pieces if not isinstance(piece, bytes)
    ]


def test_a_row_without_an_end_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_ROW_BYTES", 10)
    pieces = [b"1,a\n", b"2,", b"x" * 20, b"x" * 20, b"x\n3,c\n"]
    first, error, last = whole_rows(iter(pieces), ",", 2)
    assert (first, last) == (b"1,a\n", b"3,c\n")
    assert str(error) == "line 3: a row of more than 10 bytes is skipped"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"time,note\n' + "1,2\n" * 40_000, "line 1: a quote in the header is not closed"),
        ('\n\ntime,"note\n1,2\n', "line 3: a quote in the header is not closed"),
        ("\n\r\n\n", "the file is empty"),
        ("\ufeff\n", "the file is empty"),
        ("x" * (1 << 20) + ",time,note\n", "the header is longer than 1,048,576 bytes"),
    ],
    ids=["open", "open after blank lines", "blank", "byte order mark", "long"],
)
def test_a_header_that_cannot_be_read_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(tmp_path / "a.csv", text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["\ntime,note\n1,a\n", "\ufeff\r\n\r\ntime,note\r\n1,a", "\n\n\rtime;note\n\n1;a\n\n"])
def test_blank_lines_are_skipped(tmp_path: Path, text: str) -> None:
    assert read(tmp_path / "a.csv", text) == [Row(1, "a")]


def test_a_header_of_several_lines_is_read(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", '"time","note","house\noverall"\n1,a,2\n') == [Row(1, "a")]


def test_a_file_without_any_declared_column_has_its_records(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", "other,more\n1,2\n3,4\n", Optional) == [Optional()] * 2
