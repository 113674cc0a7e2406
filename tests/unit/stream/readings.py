"""Readings at times, the windows that end at them, and what pandas makes of the same."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
import rx
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.data.trailing_bounds import Closed

WINDOW_MS = 10


class Reading(NamedTuple):
    time: int
    value: Any


def trailing(inner: Any, window: int = WINDOW_MS, closed: Closed = "right") -> Any:
    return rs.data.roll_trailing(timedelta(milliseconds=window), lambda reading: reading.time, inner, closed=closed)


def read(reading: Reading) -> Any:
    return reading.value


VALUES = st.integers(-1000, 1000).map(lambda value: value / 8)
READINGS = st.lists(st.builds(Reading, st.integers(0, 60), VALUES), max_size=40)
IN_ORDER = READINGS.map(lambda readings: sorted(readings, key=lambda reading: reading.time))
REDUCTIONS: dict[str, Any] = {
    "sum": rs.math.sum(read, reduce=True),
    "mean": rs.math.mean(read, reduce=True),
    "min": rs.math.min(read, reduce=True),
    "max": rs.math.max(read, reduce=True),
    "std": rs.math.stddev(read, reduce=True, min_periods=2),
    "var": rs.math.variance(read, reduce=True, min_periods=2),
    "median": rs.math.median(read, reduce=True),
    "count": rs.ops.count(reduce=True),
    "first": rx.pipe(rs.ops.map(read), rs.data.head(1, reduce=True), rs.ops.map(lambda values: values[0])),
    "last": rx.pipe(rs.ops.map(read), rs.ops.last()),
}


def assert_alike(ours: Any, theirs: Any) -> None:
    for mine, expected in zip(ours, theirs, strict=True):
        for value, other in zip(mine, expected, strict=True):
            assert math.isnan(other) if value is None else value == pytest.approx(other, rel=1e-9, abs=1e-6)


def by_definition(readings: list[Reading], window: int = WINDOW_MS, closed: Closed = "right") -> list[list[Reading]]:
    """The window of each item, in the order of time: of the items that are kept, those between its bounds."""
    windows, seen = [], list[Reading]()
    for reading in readings:
        newest = max([reading.time, *(other.time for other in seen)])
        oldest = newest - window + (closed not in ("left", "both"))
        has_item = closed in ("right", "both")
        inside = [other for other in seen if oldest <= other.time < reading.time + has_item]
        seen.append(reading)
        windows.append(sorted([*inside, *[reading] * has_item], key=lambda other: other.time))
    return windows
