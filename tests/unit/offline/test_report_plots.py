"""Scales and summaries of plots."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import numpy as np
import pytest

from makiserve.offline.metrics.observed import Observed
from makiserve.offline.report.binned import bins, frame_of, moments
from makiserve.offline.report.plot.scale import amount, scale
from tests.loops import loop_over


def labels(low: float, high: float, most: int = 5, *, is_time: bool = False) -> list[str]:
    return [label for _, label in scale(low, high, 0, 100, margin=0, is_time=is_time).ticks(most)]


def at(year: int, month: int, day: int, hour: int = 0) -> float:
    return datetime(year, month, day, hour, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (-0.3, 0.31, ["-0.2", "0", "0.2"]),
        (995, 1032, ["1,000", "1,010", "1,020", "1,030"]),
        (0, 3.2e7, ["0", "1e+07", "2e+07", "3e+07"]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[str]) -> None:
    assert labels(low, high) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (at(2016, 1, 1, 8), at(2016, 1, 1, 20), ["09:00", "12:00", "15:00", "18:00"]),
        (at(2016, 1, 1, 18), at(2016, 1, 2, 7), ["18:00", "21:00", "2 Jan", "03:00", "06:00"]),
        (at(2016, 1, 1), at(2016, 7, 20), ["2016", "Mar", "May", "Jul"]),
        (at(2009, 5, 1), at(2016, 7, 20), ["2010", "2012", "2014", "2016"]),
    ],
)
def test_ticks_of_time_are_those_of_the_calendar(low: float, high: float, expected: list[str]) -> None:
    assert labels(low, high, is_time=True) == expected


def test_a_scale_of_a_single_value_has_room() -> None:
    axis = scale(5, 5, 0, 100)
    assert 0 < axis(5) < 100


@loop_over(
    ("low", "high"),
    [
        (float("nan"), 1.0),
        (0.0, float("inf")),
        (-1.7e308, 1.7e308),
        (0.0, 5e-324),
        (-5e-324, 0.0),
        (1e300, 1.7e308),
        (1e16, 1e16 + 2),
        (-3.0, -3.0),
    ],
)
def test_a_scale_is_finite_whatever_the_values_are(low: float, high: float) -> None:
    made = scale(low, high, 0, 100)
    assert 0 <= made(made.low) < made(made.high) <= 100
    assert all(np.isfinite(made(value)) for value, _ in made.ticks(5))


def test_amounts_are_short() -> None:
    assert [amount(x) for x in (0, 3.14159, -12, 12345.6, 1.2e-7, 2.5e9, float("nan"))] == [
        "0", "3.142", "-12", "12,346", "1.2e-07", "2.5e+09", "none",
    ]  # fmt: skip


def test_bins_are_the_statistics_of_their_values() -> None:
    binned = bins(np.arange(40.0), np.r_[np.arange(10.0), np.full(20, 5.0), np.arange(10.0)], 4, (0.0, 40.0))
    assert binned.mean.tolist() == [4.5, 5, 5, 4.5]
    assert binned.low.tolist() == [1, 5, 5, 1]
    assert binned.high.tolist() == [8, 5, 5, 8]
    assert binned.centre.tolist() == [5, 15, 25, 35]


def test_an_empty_bin_has_no_statistics() -> None:
    binned = bins(np.array([0.0, 10.0]), np.array([1.0, 2.0]), 3, (0.0, 10.0))
    assert np.isnan(binned.mean).tolist() == [False, True, False]


def test_a_few_far_away_do_not_take_the_room_of_the_rest() -> None:
    many = np.linspace(0, 1, 100_000)
    assert frame_of(many) == (0, 1)
    assert frame_of(np.append(many, 1e6)) == pytest.approx((0, 1), abs=0.01)


@loop_over(
    ("times", "expected"),
    [
        ([1_700_000_000, 1_700_000_060], (1_700_000_000, True)),
        ([1_700_000_000_000, 1_700_000_060_000], (1_700_000_000, True)),
        ([datetime.fromtimestamp(1_700_000_000, timezone.utc), date(2023, 11, 15)], (1_700_000_000, True)),
        ([1_700_000_000_000_000, 1_700_000_060_000_000], (1_700_000_000, True)),
        ([1_700_000_000_000_000_000, 1_700_000_060_000_000_000], (1_700_000_000, True)),
        ([3, 4], (3, False)),
        ([1_700_000_000, 10**15], (1_700_000_000, False)),  # one of them is after the end of the calendar
        ([3.0, float("inf")], (0, False)),
        (["yesterday", "today"], (0, False)),
    ],
)
def test_times_are_understood_by_their_size(times: list[object], expected: tuple[float, bool]) -> None:
    columns: Any = [np.array(["a", "a"]), np.arange(2), np.array(times, object), *[np.zeros(2)] * 3, {}]
    axis = moments(Observed(*columns), np.ones(2, bool), "time")
    assert (axis.at[0], axis.is_time) == expected


def test_without_times_predictions_are_in_their_order() -> None:
    columns: Any = [np.array(["a", "a"]), np.arange(2), np.array([5, None], object), *[np.zeros(2)] * 3, {}]
    assert moments(Observed(*columns), np.ones(2, bool), "time").at.tolist() == [0, 1]
