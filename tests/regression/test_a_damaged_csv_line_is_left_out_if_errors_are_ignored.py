"""RxSci's documentation has ignore_error the wrong way round; ignored lines are logged, payload and all."""

from __future__ import annotations

import logging

import pytest
import rx

from makiserve.errors import DecodeError
from makiserve.stream.rxsci.container import csv

LINES = ["a", "1", "one", "2"]


def test_a_damaged_csv_line_is_left_out_if_errors_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    values: list[int] = []
    with caplog.at_level(logging.DEBUG):
        parser = csv.create_line_parser([("a", int)], ignore_error=True)
        rx.from_(LINES).pipe(csv.load(parser)).subscribe(lambda row: values.append(row.a))
    assert values == [1, 2]
    assert caplog.messages == []


def test_a_damaged_csv_line_ends_the_stream_by_default() -> None:
    with pytest.raises(DecodeError, match="column a: expected int, got 'one'"):
        rx.from_(LINES).pipe(csv.load(csv.create_line_parser([("a", int)]))).run()
