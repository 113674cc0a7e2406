"""Statistics against numpy and exact arithmetic, on numbers that are hard on naive formulas."""

from __future__ import annotations

import math
import random
from datetime import datetime, timezone
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import makiserve.stream as rs
from tests.unit.stream.feed import emitted

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
chance = random.Random(7)
HARD: dict[str, list[float]] = {
    "a large mean with a tiny spread": [1e9 + chance.gauss(0, 1e-3) for _ in range(2000)],
    "alternating signs": [(-1) ** i * (1e6 + chance.random()) for i in range(2001)],
    "magnitudes far apart": [10 ** chance.uniform(-8, 8) for _ in range(2000)],
    "all the same": [0.1] * 1000,
    "a trend": [i * 0.1 for i in range(2000)],
    "integers": [chance.randrange(-(10**6), 10**6) for _ in range(2000)],
}
with_hard_numbers = pytest.mark.parametrize("numbers", HARD.values(), ids=HARD)


def final(operator: Any, items: Any) -> Any:
    return emitted(operator, items)[-1]


def exact_products(xs: list[float], ys: list[float]) -> Fraction:
    x, y = [Fraction(value) for value in xs], [Fraction(value) for value in ys]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return Fraction(sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)))


@with_hard_numbers
def test_sum_and_mean_are_exact_to_the_last_digit(numbers: list[float]) -> None:
    assert final(rs.math.sum(reduce=True), numbers) == pytest.approx(math.fsum(numbers), rel=4e-16)
    assert final(rs.math.mean(reduce=True), numbers) == pytest.approx(math.fsum(numbers) / len(numbers), rel=4e-16)


@with_hard_numbers
def test_variances_keep_twelve_digits(numbers: list[float]) -> None:
    squares = float(exact_products(numbers, numbers))
    n = len(numbers)
    for operator, expected in (
        (rs.math.variance(reduce=True), squares / (n - 1)),
        (rs.math.stddev(reduce=True), math.sqrt(squares / (n - 1))),
        (rs.math.formal.variance(reduce=True), squares / n),
        (rs.math.formal.stddev(reduce=True), math.sqrt(squares / n)),
        (rs.math.covariance(lambda i: (i, i), reduce=True), squares / (n - 1)),
    ):
        assert final(operator, numbers) == pytest.approx(expected, rel=1e-12, abs=1e-30)


@with_hard_numbers
@pytest.mark.slow
def test_two_variables_keep_their_digits(numbers: list[float]) -> None:
    others = [0.5 * value + chance.gauss(0, 1e-3) for value in numbers]
    pairs = list(zip(numbers, others, strict=True))
    xx, yy, xy = (exact_products(*two) for two in ((numbers, numbers), (others, others), (numbers, others)))
    close: dict[str, Any] = {"rel": 1e-9, "abs": 1e-12}
    assert final(rs.math.covariance(reduce=True), pairs) == pytest.approx(float(xy) / (len(pairs) - 1), **close)
    if xx:
        assert final(rs.math.slope(reduce=True), pairs) == pytest.approx(float(xy / xx), **close)
        expected = float(xy) / math.sqrt(float(xx)) / math.sqrt(float(yy))
        assert final(rs.math.correlation(reduce=True), pairs) == pytest.approx(expected, **close)
    else:
        assert final(rs.math.slope(reduce=True), pairs) is None
        assert final(rs.math.correlation(reduce=True), pairs) is None


@with_hard_numbers
@pytest.mark.parametrize("decay", [{"alpha": 0.01}, {"alpha": 0.5}, {"halflife": 30}])
def test_weighted_moments_are_those_of_pandas(numbers: list[float], decay: dict[str, Any]) -> None:
    shift = numbers[0]  # pandas loses the digits of a large mean: it is given the differences, which are exact
    weighted = pd.Series([value - shift for value in numbers]).ewm(**decay)
    means, stddevs = emitted(rs.math.ewm_mean(**decay), numbers), emitted(rs.math.ewm_stddev(**decay), numbers)
    scale = max(abs(value - shift) for value in numbers) or 1.0
    digits = 1e-9 * scale + math.ulp(shift)
    assert [mean - shift for mean in means] == pytest.approx(list(weighted.mean()), abs=digits)
    assert stddevs == pytest.approx(list(weighted.std().fillna(0.0)), abs=1e-9 * scale)


@with_hard_numbers
@pytest.mark.parametrize("window", [250, 600])
def test_merged_parts_agree_with_the_whole(numbers: list[float], window: int) -> None:
    """roll slices: what comes out of it is merged from panes."""
    reductions = {
        "covariance": lambda reduce: rs.math.covariance(lambda i: (i, i + 1), reduce=reduce),
        "formal": lambda reduce: rs.math.formal.variance(reduce=reduce),
        "ewm_mean": lambda reduce: rs.math.ewm_mean(halflife=40, reduce=reduce),
        "ewm_stddev": lambda reduce: rs.math.ewm_stddev(halflife=40, reduce=reduce),
    }
    for name, make in reductions.items():
        merged = emitted(rs.data.roll(window, 50, [make(True)]), numbers[:window])[0]
        assert merged == pytest.approx(final(make(False), numbers[:window]), rel=1e-11, abs=1e-25), name


@pytest.mark.slow
def test_a_million_items_keep_their_digits() -> None:
    numbers = np.random.default_rng(3).normal(1e6, 1.0, 1_000_000)
    items = numbers.tolist()
    assert final(rs.math.variance(reduce=True), items) == pytest.approx(float(np.var(numbers - 1e6, ddof=1)), rel=1e-12)
    assert final(rs.math.sum(reduce=True), items) == math.fsum(items)


def test_quantiles_are_exact_up_to_256_items() -> None:
    numbers = [chance.gauss(0, 1) for _ in range(256)]
    for q in (0, 0.01, 0.5, 0.77, 1):
        assert final(rs.math.quantile(q, reduce=True), numbers) == pytest.approx(float(np.quantile(numbers, q)))
    assert emitted(rs.math.median(), [5, 1, 4]) == [5.0, 3.0, 4.0]
    assert emitted(rs.math.median(reduce=True), []) == [None]


SHAPES = {
    "normal": lambda draw: draw.normal(1e6, 1, 100_000),
    "sorted": lambda draw: np.sort(draw.normal(size=100_000)),
    "falling": lambda draw: -np.arange(100_000.0),
    "heavy": lambda draw: draw.pareto(1, 100_000),
    "few values": lambda draw: draw.integers(0, 9, 100_000).astype(float),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("window", [100_000, 50_000])
def test_beyond_that_the_rank_is_within_one_per_cent(shape: Any, window: int) -> None:
    numbers = shape(np.random.default_rng(5))
    for q, tolerance in ((0.001, 0.001), (0.1, 0.01), (0.5, 0.01), (0.9, 0.01), (0.999, 0.001)):
        rolling = rs.data.roll(window, window // 10, [rs.math.quantile(q, reduce=True)])
        quantile = emitted(rolling, numbers.tolist())[0]
        ordered = np.sort(numbers[:window])
        step = 1e-9 * abs(quantile)
        low, high = (
            np.searchsorted(ordered, quantile - step, "left"),
            np.searchsorted(ordered, quantile + step, "right"),
        )
        if len(np.unique(ordered)) < 100:
            assert abs(quantile - np.quantile(ordered, q)) <= 1
        else:
            assert low / window - tolerance <= q <= high / window + tolerance, (q, low / window, high / window)


@pytest.mark.slow
def test_distinct_items_are_counted_exactly_and_then_closely() -> None:
    same = [1, 1.0, True, np.int64(1), (1, 2), (1.0, 2), 10**30, 1e30, float(10**20), 10**20]
    assert emitted(rs.math.distinct_count(), same) == [1, 1, 1, 1, 2, 2, 3, 4, 5, 5]
    assert emitted(rs.math.distinct_count(), ["1", b"1", None, START, 0.5, float("inf")]) == [1, 2, 3, 4, 5, 6]
    assert final(rs.math.distinct_count(reduce=True), [i % 256 for i in range(1000)]) == 256
    for n in (1000, 20_000):
        items = [f"user {chance.getrandbits(60)}" for _ in range(n)]
        assert final(rs.math.distinct_count(reduce=True), items * 2) == pytest.approx(n, rel=0.05)
        rolling = rs.data.roll(n, n // 10, [rs.math.distinct_count(reduce=True)])
        assert emitted(rolling, items)[0] == pytest.approx(n, rel=0.05)
