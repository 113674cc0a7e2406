"""Lines: what RxSci makes of them, and "\r\n"."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import rx
import rxsci.framing.line
from hypothesis import given
from hypothesis import strategies as st

from makiserve.stream.rxsci.framing import line
from tests.loops import loop_over
from tests.unit.stream.feed import emitted


def seen(items: list[str], step: Any) -> list[Any]:
    notifications: list[Any] = []
    rx.from_(items).pipe(step).subscribe(notifications.append, notifications.append)
    return notifications


@given(st.lists(st.text("ab\n", max_size=4)))
def test_lines_are_rxscis(pieces: list[str]) -> None:
    assert emitted(line.unframe(), pieces) == seen(pieces, rxsci.framing.line.unframe())
    assert emitted(line.frame(), pieces) == seen(pieces, rxsci.framing.line.frame())


@given(st.text("a\r\n"), st.lists(st.integers(0, 20)))
def test_lines_do_not_depend_on_where_the_text_is_cut(text: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(text)]
    pieces = [text[begin:end] for begin, end in pairwise(bounds)]
    assert emitted(line.unframe(), pieces) == emitted(line.unframe(), [text])


@loop_over(
    ("text", "lines"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\n\nb", ["a", "", "b"]),
        ("\n", [""]),
        ("a\r\n\r\nb\r\n", ["a", "", "b"]),
        ("a\rb\r\r\n", ["a\rb\r"]),
        ("a\u2028b\x0bc\n", ["a\u2028b\x0bc"]),
        ("", []),
    ],
)
def test_lines_end_with_a_line_feed_alone_or_behind_a_carriage_return(text: str, lines: list[str]) -> None:
    assert emitted(line.unframe(), [text]) == lines
