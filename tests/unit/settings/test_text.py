"""Values as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.settings.text import Size, metavar, text_from_value, value_from_text
from tests.loops import loop_over


@loop_over(
    ("kind", "text", "value"),
    [
        (timedelta, "100ms", timedelta(milliseconds=100)),
        (timedelta, "1.5 h", timedelta(minutes=90)),
        (timedelta | None, "2d", timedelta(days=2)),
        (Size, "900000", 900_000),
        (Size, "64kB", 64_000),
        (Size, "1.5MiB", 1_572_864),
        (int, " 7 ", 7),
        (float, "1e-3", 0.001),
        (bool, "true", True),
        (Path | None, "a/b", Path("a/b")),
        (tuple[int, ...], "3", 3),
        (Literal["a", "b"], "b", "b"),
        (str, "x y", "x y"),
    ],
)
def test_a_text_is_read_as_its_type(kind: Any, text: str, value: Any) -> None:
    assert value_from_text(kind, text) == value


@loop_over(
    ("kind", "text", "reason"),
    [
        (timedelta, "100", "a duration with its unit"),
        (timedelta, "1e9d", "a duration"),
        (timedelta, "999999999999d", "a duration"),
        (timedelta, "-1s", "a duration"),
        (Size, "1 furlong", "a size"),
        (int, "1.0", "a whole number"),
        (float, "x", "a number"),
        (bool, "yes", "true or false"),
        (Literal["a", "b"], "c", "a or b"),
    ],
)
def test_invalid_text_is_refused_with_the_expected_form(kind: Any, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"expected {reason}"):
        value_from_text(kind, text)


@given(st.integers(0, 10**12))
def test_durations_and_sizes_are_shown_as_valid_input(number: int) -> None:
    duration = timedelta(milliseconds=number)
    assert value_from_text(timedelta, text_from_value(timedelta, duration)) == duration
    assert value_from_text(Size, text_from_value(Size, number)) == number


@given(st.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for kind in (timedelta, Size, int, float, bool):
        with suppress(ValueError):
            assert value_from_text(kind, text) is not None


def test_type_gives_the_placeholder_of_a_value() -> None:
    assert [metavar(kind) for kind in (timedelta, Size, Literal["a", "b"], Path | None)] == [
        "DURATION",
        "SIZE",
        "a|b",
        "FILE",
    ]
