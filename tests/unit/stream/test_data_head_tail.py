"""`data.head`, `data.tail`: pandas' items, in windows of any panes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from tests.examples import examples
from tests.unit.stream.feed import emitted


@examples(60)
@given(
    items=st.lists(st.integers(), min_size=1, max_size=25),
    count=st.integers(1, 6),
    window=st.integers(1, 9),
    stride=st.integers(1, 4),
)
def test_items_are_those_of_pandas(items: list[int], count: int, window: int, stride: int) -> None:
    for make, method in ((rs.data.head, "head"), (rs.data.tail, "tail")):

        def expected(some: list[int], method: str = method) -> tuple[int, ...]:
            return tuple(getattr(pd.Series(some, dtype=object), method)(count))

        assert emitted(make(count), items) == [expected(items[:end]) for end in range(1, len(items) + 1)]
        rolled = emitted(rs.data.roll(window, stride, [make(count, reduce=True)]), items)
        assert rolled == [expected(items[start : start + window]) for start in range(0, len(items), stride)]


def test_an_empty_stream_gives_an_empty_tuple() -> None:
    assert emitted(rs.data.head(2, reduce=True), []) == [()]
    assert emitted(rs.data.tail(2, reduce=True), []) == [()]


def test_missing_values_can_be_left_out() -> None:
    options: dict[str, Any] = {"reduce": True, "skip_missing": True}
    items = [None, 1, 2, None, 3, float("nan")]
    assert emitted(rs.data.head(2, **options), items) == [(1, 2)]
    assert emitted(rs.data.tail(2, **options), items) == [(2, 3)]
    assert emitted(rs.data.tail(2, **options, min_periods=4), items) == [None]
