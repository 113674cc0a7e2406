"""RxSci splits at "\\n" only: the last column of a file with "\\r\\n" keeps the "\\r"."""

from __future__ import annotations

import rx

from makiserve.stream.rxsci.container import csv
from makiserve.stream.rxsci.framing import line
from tests.unit.stream.feed import emitted


def test_a_carriage_return_ends_with_its_line() -> None:
    assert emitted(line.unframe(), ["a,b\r", "\n1,x\r\n2,", "y"]) == ["a,b", "1,x", "2,y"]


def test_the_last_column_has_no_carriage_return() -> None:
    rows = emitted(rx.pipe(line.unframe(), csv.load()), ["a,b\r\n1,x\r\n"])
    assert [row._asdict() for row in rows] == [{"a": "1", "b": "x"}]
