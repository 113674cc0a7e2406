"""`math.skew`: pandas' results, and exact arithmetic on numbers that are hard on naive formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from tests.examples import examples
from tests.loops import loop_over
from tests.unit.stream.feed import emitted
from tests.unit.stream.test_math_accuracy import HARD

VALUES = st.lists(st.none() | st.integers(-1000, 1000).map(lambda i: i / 8), min_size=1, max_size=25)


def of_pandas(values: list[float | None]) -> object:
    skewness = pd.Series(values, dtype=float).skew()
    return None if skewness != skewness else pytest.approx(skewness, rel=1e-9, abs=1e-9)


@examples(60)
@given(values=VALUES, window=st.integers(1, 9), stride=st.integers(1, 4))
def test_results_are_those_of_pandas(values: list[float | None], window: int, stride: int) -> None:
    running = emitted(rs.math.skew(skip_missing=True), values)
    assert running == [of_pandas(values[:end]) for end in range(1, len(values) + 1)]
    rolled = emitted(rs.data.roll(window, stride, [rs.math.skew(reduce=True, skip_missing=True)]), values)
    assert rolled == [of_pandas(values[start : start + window]) for start in range(0, len(values), stride)]


@loop_over("numbers", HARD.values(), ids=HARD)
def test_results_keep_nine_digits(numbers: list[float]) -> None:
    exact = [Fraction(number) for number in numbers]
    n, mean = len(exact), sum(exact) / len(exact)
    squares = float(sum((value - mean) ** 2 for value in exact))
    cubes = float(sum((value - mean) ** 3 for value in exact))
    expected = n * math.sqrt(n - 1) / (n - 2) * cubes / squares**1.5 if squares else None
    whole = emitted(rs.math.skew(reduce=True), numbers)[0]
    sliced = emitted(rs.data.roll(n, 50, [rs.math.skew(reduce=True)]), numbers)[0]
    for skew in (whole, sliced):
        assert skew == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9))


def test_equal_items_have_no_skewness() -> None:
    assert emitted(rs.math.skew(), [0.1, 0.1, 0.1, 0.1]) == [None] * 4


def test_cubes_beyond_a_float_give_nan() -> None:
    assert math.isnan(emitted(rs.math.skew(reduce=True), [1e150, 0.0, 1.0])[0])
