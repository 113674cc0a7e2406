"""Exponential weights by elapsed time: pandas' results, and the definition itself where pandas has none."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.unit.stream.feed import emitted

HALFLIFE_MS = 3_600_000
BY_TIME: dict[str, Any] = {"halflife": "1h", "time_mapper": lambda i: i[0]}
VALUES = st.integers(-1000, 1000).map(lambda i: i / 8)
TIMED = st.lists(st.tuples(st.integers(0, 10 * HALFLIFE_MS), VALUES), min_size=1, max_size=30)


def value(item: tuple[int, float]) -> float:
    return item[1]


@examples(60)
@given(items=st.lists(st.tuples(st.integers(0, 10 * HALFLIFE_MS), VALUES | st.none()), min_size=1, max_size=30))
def test_means_are_those_of_pandas_with_times(items: list[tuple[int, float | None]]) -> None:
    items.sort(key=lambda item: item[0])
    times = pd.to_datetime([time for time, _ in items], unit="ms")
    known: Any = pd.Series([value for _, value in items], dtype=float)
    theirs = known.ewm(halflife="1h", times=times).mean()
    ours = emitted(rs.math.ewm_mean(value, **BY_TIME, skip_missing=True, min_periods=1), items)
    for mean, expected in zip(ours, theirs, strict=True):
        assert expected != expected if mean is None else mean == pytest.approx(expected, rel=1e-9, abs=1e-9)


def weighted(items: list[tuple[int, float]]) -> tuple[float, float]:
    """The mean and standard deviation by their definition."""
    latest = max(time for time, _ in items)
    weights = [0.5 ** ((latest - time) / HALFLIFE_MS) for time, _ in items]
    total, squares = math.fsum(weights), math.fsum(weight * weight for weight in weights)
    mean = math.fsum(weight * value for weight, (_, value) in zip(weights, items, strict=True)) / total
    spread = math.fsum(weight * (value - mean) ** 2 for weight, (_, value) in zip(weights, items, strict=True))
    freedom = total - squares / total
    return mean, math.sqrt(spread / freedom) if freedom > 1e-12 else 0.0


@examples(60)
@given(items=TIMED, window=st.integers(1, 30))
def test_any_order_and_any_panes_give_the_definition(items: list[tuple[int, float]], window: int) -> None:
    for make, place in ((rs.math.ewm_mean, 0), (rs.math.ewm_stddev, 1)):
        running = emitted(make(value, **BY_TIME), items)
        for count, result in enumerate(running, 1):
            assert result == pytest.approx(weighted(items[:count])[place], rel=1e-9, abs=1e-6)
        rolled = emitted(rs.data.roll(window, 1, [make(value, **BY_TIME, reduce=True)]), items)
        for start, result in enumerate(rolled):
            assert result == pytest.approx(weighted(items[start : start + window])[place], rel=1e-9, abs=1e-6)


def test_item_a_halflife_ago_weighs_half() -> None:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    mean = rs.math.ewm_mean(value, halflife=timedelta(hours=6), time_mapper=lambda i: i[0])
    assert emitted(mean, [(start, 0.0), (start + timedelta(hours=6), 3.0)]) == [0.0, 2.0]


def test_weights_that_have_faded_to_nothing_leave_the_latest_value() -> None:
    items = [(0, 1e300), (10**12, 3.0), (10**15, 5.0)]
    assert emitted(rs.math.ewm_mean(value, **BY_TIME), items) == [1e300, 3.0, 5.0]
    assert emitted(rs.math.ewm_stddev(value, **BY_TIME), items) == [0.0, 0.0, 0.0]


def test_value_that_is_not_a_time_fails_only_its_record() -> None:
    program = Program(trace(rs.math.ewm_mean(value, **BY_TIME)))
    fed = program.feed([(0, 1.0), ("noon", 2.0), (HALFLIFE_MS, 4.0)], program.new_state())
    assert fed.outputs == [1.0, 3.0]
    assert "an event time must be" in str(fed.failures[0][1])
