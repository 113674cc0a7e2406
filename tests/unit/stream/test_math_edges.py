"""Every reduction at the edges of numbers, whatever the slices: NaN, infinities, numpy's scalars, overflow."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.math import digest
from tests.examples import examples
from tests.loops import loop_over
from tests.unit.stream.feed import emitted

INF, NAN = math.inf, math.nan
Make = Callable[..., Any]

NUMERIC: dict[str, Make] = {
    "sum": rs.math.sum,
    "mean": rs.math.mean,
    "min": rs.math.min,
    "max": rs.math.max,
    "variance": rs.math.variance,
    "stddev": rs.math.stddev,
    "formal.variance": rs.math.formal.variance,
    "formal.stddev": rs.math.formal.stddev,
    "ewm_mean": lambda **given: rs.math.ewm_mean(alpha=0.25, **given),
    "ewm_stddev": lambda **given: rs.math.ewm_stddev(alpha=0.25, **given),
    "skew": rs.math.skew,
    "timed ewm_mean": lambda **given: rs.math.ewm_mean(halflife="1s", time_mapper=lambda _: 0, **given),
    "timed ewm_stddev": lambda **given: rs.math.ewm_stddev(halflife="1s", time_mapper=lambda _: 0, **given),
    "quantile": lambda **given: rs.math.quantile(0.3, **given),
    "median": rs.math.median,
    "covariance": lambda **given: rs.math.covariance(lambda i: (i, i), **given),
    "correlation": lambda **given: rs.math.correlation(lambda i: (i, i), **given),
    "slope": lambda **given: rs.math.slope(lambda i: (i, i), **given),
}
SPREADS = (
    *("variance", "stddev", "ewm_stddev", "timed ewm_stddev", "skew"),
    *("covariance", "correlation", "slope", "formal.variance", "formal.stddev"),
)
in_each_place = loop_over("place", range(4))
each_operator = loop_over("name", NUMERIC)


def in_all_slices(make: Make, items: list[Any]) -> list[Any]:
    """Reduce the items at once, in one window, and in a window that is merged from panes of 1 and of 2 items."""
    size = len(items)
    return [
        emitted(make(reduce=True), items)[0],
        emitted(rs.data.roll(size, size, [make(reduce=True)]), items)[0],
        *(emitted(rs.data.roll(size, pane, [make(reduce=True)]), items)[0] for pane in (1, 2)),
        emitted(make(), items)[-1],
    ]


@in_each_place
@each_operator
def test_nan_makes_every_result_nan_but_a_quantile(name: str, place: int) -> None:
    items = [1.0, 2.0, 5.0]
    items.insert(place, NAN)
    if name in ("quantile", "median"):
        fed = Program(trace(NUMERIC[name](reduce=True))).feed([NAN], Program(trace(NUMERIC[name]())).new_state())
        assert "NaN has no rank" in str(fed.failures[0][1])
    else:
        assert all(math.isnan(value) for value in in_all_slices(NUMERIC[name], items))


@each_operator
def test_a_single_nan_is_not_a_spread_of_nothing(name: str) -> None:
    if name not in ("quantile", "median"):
        assert math.isnan(emitted(NUMERIC[name](reduce=True), [NAN])[0])


@in_each_place
@each_operator
@loop_over("infinity", [INF, -INF])
@pytest.mark.slow
def test_an_infinity_makes_a_location_infinite_and_a_spread_nan(name: str, place: int, infinity: float) -> None:
    items = [1.0, 2.0, 5.0]
    items.insert(place, infinity)
    expected = {
        "sum": infinity,
        "mean": infinity,
        "ewm_mean": infinity,
        "timed ewm_mean": infinity,
        "min": min(items),
        "max": max(items),
        "median": np.median(items),
        "quantile": -INF if infinity < 0 else 1.9,
    }
    for value in in_all_slices(NUMERIC[name], items):
        if name in SPREADS:
            assert math.isnan(value)
        else:
            assert value == pytest.approx(expected[name])


@each_operator
def test_infinities_of_both_signs_cancel_to_nan(name: str) -> None:
    items = [INF, 1.0, -INF, 2.0]
    for value in in_all_slices(NUMERIC[name], items):
        if name in ("min", "max"):
            assert value == {"min": -INF, "max": INF}[name]
        elif name in ("quantile", "median"):
            assert value == {"quantile": -INF, "median": 1.5}[name]
        else:
            assert math.isnan(value)


def test_quantiles_with_infinities_are_those_between_their_neighbours() -> None:
    assert emitted(rs.math.median(reduce=True), [1.0, INF, 3.0]) == [3.0]
    assert emitted(rs.math.median(reduce=True), [1.0, INF]) == [INF]
    assert emitted(rs.math.median(reduce=True), [-INF, 1.0]) == [-INF]
    assert math.isnan(emitted(rs.math.median(reduce=True), [-INF, INF])[0])
    assert emitted(rs.math.quantile(1, reduce=True), [-INF, INF]) == [INF]


@pytest.mark.parametrize("window", [1000, 500])
def test_infinities_in_a_digest_keep_their_rank(window: int) -> None:
    chance = np.random.default_rng(2)
    items = np.concatenate([np.full(100, -INF), chance.normal(size=700), np.full(200, INF)])
    chance.shuffle(items)
    for q in (0, 0.05, 0.3, 0.5, 0.7, 0.79, 0.85, 1):
        value = emitted(rs.data.roll(window, window // 10, [rs.math.quantile(q, reduce=True)]), items.tolist())[0]
        ordered = np.sort(items[:window])
        low, high = (np.searchsorted(ordered, value, side) / window for side in ("left", "right"))
        assert low - 0.01 <= q <= high + 0.01


NUMPY_TYPES = [*np.typecodes["AllInteger"], *np.typecodes["Float"], "?"]


@pytest.mark.slow
@each_operator
@loop_over("code", NUMPY_TYPES)
def test_numpy_scalars_count_as_pythons_numbers(name: str, code: str) -> None:
    """At the ends of each type's range, where its own arithmetic overflows."""
    kind = np.dtype(code).type
    if code == "?":
        items = [kind(1), kind(0), kind(1), kind(1)]
    elif issubclass(kind, np.integer):
        items = [kind(np.iinfo(kind).max), kind(np.iinfo(kind).min), kind(1), kind(np.iinfo(kind).max)]
    else:
        items = [kind(3.25), kind(-2), kind(1.5), kind(3.25)]
    plain = [bool(item) if code == "?" else item.item() if code != "g" else float(item) for item in items]
    for value in in_all_slices(NUMERIC[name], items):
        assert type(value) in (int, float, bool)
        assert value == pytest.approx(in_all_slices(NUMERIC[name], plain)[0], rel=1e-12)


def test_other_operators_count_numpy_scalars_alike() -> None:
    assert emitted(rs.data.delta(), [np.uint8(5), np.uint8(3), np.uint8(255)]) == [0, -2, 252]
    bins = emitted(rx_dist(), [np.uint8(200), np.uint8(100), np.uint8(201)])[0]
    assert bins == ((100, 1), (200.5, 2))
    assert emitted(rs.math.rate(lambda i: i, reduce=True), [np.int8(-100), np.int8(100)]) == [5.0]
    kinds = [np.float32(1), np.uint8(1), np.bool_(1), Decimal(1), Fraction(1), NAN, np.float64("nan"), -NAN, None]
    assert emitted(rs.math.distinct_count(reduce=True), kinds) == [3]


def rx_dist() -> Any:
    return lambda source: source.pipe(rs.math.dist.update(2, reduce=True), rs.ops.map(lambda dist: dist.bins))


@each_operator
def test_decimals_and_fractions_are_numbers(name: str) -> None:
    floats = emitted(NUMERIC[name](reduce=True), [1.5, -2.25, 4.0])[0]
    for kind in (Decimal, Fraction):
        value = emitted(NUMERIC[name](reduce=True), [kind("1.5"), kind("-2.25"), kind("4")])[0]
        assert float(value) == pytest.approx(floats)


@each_operator
@loop_over("wrong", [None, 1j, np.complex64(1), "12", np.str_("12"), pd.NA, np.timedelta64(3, "s")])
def test_value_that_is_not_a_number_fails_only_its_record(name: str, wrong: Any) -> None:
    if name in ("min", "max") and wrong is not None:
        return  # what can be compared is not only numbers
    program = Program(trace(NUMERIC[name](reduce=True)))
    for place in (0, 2):
        items: list[Any] = [1.0, 2.0, 4.0]
        items.insert(place, wrong)
        state = program.new_state()
        assert [index for index, _ in program.feed(items, state).failures] == [place]
        assert program.complete(state) == emitted(NUMERIC[name](reduce=True), [1.0, 2.0, 4.0])


@each_operator
def test_an_integer_beyond_floats_fails_its_own_record_only(name: str) -> None:
    items = [10**400, 1, 2]
    program = Program(trace(NUMERIC[name](reduce=True)))
    state = program.new_state()
    failures = program.feed(items, state).failures
    if name in ("sum", "min", "max"):  # exact at any size
        assert not failures
        assert program.complete(state) == [{"sum": 10**400 + 3, "min": 1, "max": 10**400}[name]]
    else:
        assert [index for index, _ in failures] == [0]
        assert "OverflowError" in str(failures[0][1])


def test_sums_that_leave_the_range_come_back() -> None:
    items = [1e308, 1e308, 0.75, -1e308, -1e308, 2.0]
    assert in_all_slices(rs.math.sum, items) == [2.75] * 5
    assert in_all_slices(rs.math.sum, [1e308, 1e308]) == [INF] * 5
    assert in_all_slices(rs.math.sum, [-1e308, -1e308]) == [-INF] * 5
    assert in_all_slices(rs.math.mean, [1.5e308, 1.5e308]) == [1.5e308] * 5
    assert in_all_slices(rs.math.sum, [10**400, 0.5, -(10**400), 1.0]) == [1.5] * 5
    assert in_all_slices(rs.math.sum, [2**53 + 1, 0.5, -(2**53)]) == [1.5] * 5
    assert all(math.isnan(value) for value in in_all_slices(rs.math.sum, [10**400, NAN, 0.5, INF]))


@each_operator
def test_deviations_that_overflow_are_infinite_not_nan(name: str) -> None:
    items = [1.7e308, -1.7e308, 0.0, 1.0]
    for value in in_all_slices(NUMERIC[name], items):
        if name in ("correlation", "slope", "covariance", "skew"):
            continue  # a quotient of two that overflow
        expected = {"min": -1.7e308, "max": 1.7e308, "median": 0.5, "quantile": -1.7e307}
        if name in SPREADS:
            assert value == INF
        elif name in expected:
            assert value == pytest.approx(expected[name])
        else:
            assert math.isfinite(value)


@pytest.mark.slow
@pytest.mark.parametrize("first", [1.7e12, -3e300, 1e-300])
@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.9, 1.0])
def test_a_huge_first_value_leaves_nothing_behind(first: float, alpha: float) -> None:
    items = [first, *[0.5, 0.25] * 200]
    weights = [Fraction(1 - alpha) ** (len(items) - 1 - index) for index in range(len(items))]
    exact = sum(w * Fraction(item) for w, item in zip(weights, items, strict=True)) / sum(weights)
    for value in in_all_slices(lambda **given: rs.math.ewm_mean(alpha=alpha, **given), items):
        assert value == pytest.approx(float(exact), rel=1e-12)


MIXED = st.floats(-1e6, 1e6) | st.integers(-1000, 1000) | st.sampled_from([NAN, INF, -INF, 1e300, -1e300, 1e-300])


@pytest.mark.slow
@examples(25)
@given(items=st.lists(MIXED, min_size=1, max_size=12))
def test_no_slice_of_a_window_changes_what_kind_of_number_comes_out(items: list[float]) -> None:
    for name, make in NUMERIC.items():
        if name in ("quantile", "median"):
            items = [item for item in items if item == item] or [0.0]
        values = in_all_slices(make, items)
        if name in ("covariance", "correlation", "slope") and any(abs(item) > 1e6 for item in items):
            continue  # products of both signs overflow
        kinds = {None if value is None else "nan" if value != value else math.isinf(value) for value in values}
        assert len(kinds) == 1, (name, items, values)


SHAPES: dict[str, Callable[[np.random.Generator], Any]] = {
    "uniform": lambda chance: chance.random(5000),
    "normal": lambda chance: chance.normal(size=20_000),
    "heavy": lambda chance: chance.pareto(1, 20_000),
    "lognormal": lambda chance: np.exp(chance.normal(size=20_000) * 3),
    "sorted": lambda chance: np.sort(chance.random(20_000)),
    "two bumps": lambda chance: np.concatenate([chance.normal(0, 1, 9000), chance.normal(100, 0.1, 9000)]),
    "few values": lambda chance: chance.integers(0, 5, 5000).astype(float),
}


@loop_over("panes", [1, 10])
@loop_over("shape", SHAPES)
@pytest.mark.slow
def test_quantiles_never_fall_and_keep_their_rank(shape: str, panes: int) -> None:
    numbers = SHAPES[shape](np.random.default_rng(3))
    kept = digest.ZERO
    for pane in np.split(numbers, panes):
        kept = digest.merge(kept, functools.reduce(digest.add, pane.tolist(), digest.ZERO))
    shares = np.linspace(0, 1, 401)
    quantiles = np.array([digest.quantile(kept, share) for share in shares])
    ordered = np.sort(numbers)
    assert (np.diff(quantiles) >= 0).all()
    assert (quantiles[0], quantiles[-1]) == (ordered[0], ordered[-1])
    low = np.searchsorted(ordered, quantiles - 1e-9 * abs(quantiles), "left") / len(ordered)
    high = np.searchsorted(ordered, quantiles + 1e-9 * abs(quantiles), "right") / len(ordered)
    off = np.maximum(low - shares, shares - high).max()
    assert off <= (0.02 if shape in ("two bumps", "few values") else 0.0025), off


def test_quantiles_of_a_digest_are_in_order_in_one_pipeline() -> None:
    numbers = np.random.default_rng(0).random(5000).tolist()
    branches = rs.ops.tee_map(rs.math.quantile(0.28, reduce=True), rs.math.quantile(0.285, reduce=True))
    lower, upper = emitted(branches, numbers)[0]
    assert lower < upper
    assert (lower, upper) == pytest.approx(np.quantile(numbers, [0.28, 0.285]), abs=0.0025)
