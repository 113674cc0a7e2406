"""`math.argmin`, `math.argmax`, `math.top_k`: numpy's and sorted's results, ties, NaN, and errors in the key."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import explain, program_for
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.unit.stream.feed import emitted

NAN = math.nan


class Trade(NamedTuple):
    number: int
    price: float


def price(trade: Trade) -> float:
    return trade.price


PRICES = st.integers(-3, 3).map(float)
TRADES = st.lists(PRICES, min_size=1, max_size=25).map(
    lambda prices: [Trade(number, price) for number, price in enumerate(prices)]
)


@examples(60)
@given(trades=TRADES, window=st.integers(1, 8), stride=st.integers(1, 3))
def test_items_are_those_that_numpy_finds(trades: list[Trade], window: int, stride: int) -> None:
    prices = np.array([trade.price for trade in trades])
    for make, find in ((rs.math.argmin, np.argmin), (rs.math.argmax, np.argmax)):
        running = [trades[int(find(prices[:count]))] for count in range(1, len(trades) + 1)]
        assert emitted(make(price), trades) == running
        rolled = emitted(rs.data.roll(window, stride, [make(price, reduce=True)]), trades)
        starts = range(0, len(trades), stride)
        assert rolled == [trades[start + int(find(prices[start : start + window]))] for start in starts]


@examples(60)
@given(trades=TRADES, k=st.integers(1, 5), window=st.integers(1, 8), stride=st.integers(1, 3))
def test_the_top_items_are_the_first_ones_that_pandas_sorts(
    trades: list[Trade], k: int, window: int, stride: int
) -> None:
    def largest(some: list[Trade]) -> tuple[Trade, ...]:
        prices = pd.Series({trade.number: trade.price for trade in some})
        # `nlargest` does not keep the order of equal prices in pandas 2
        return tuple(trades[number] for number in prices.sort_values(ascending=False, kind="stable").index[:k])

    assert emitted(rs.math.top_k(k, price), trades) == [largest(trades[: end + 1]) for end in range(len(trades))]
    rolled = emitted(rs.data.roll(window, stride, [rs.math.top_k(k, price, reduce=True)]), trades)
    assert rolled == [largest(trades[start : start + window]) for start in range(0, len(trades), stride)]


@pytest.mark.parametrize("make", [rs.math.argmin, rs.math.argmax])
def test_first_item_with_a_nan_key_wins_as_in_numpy(make: Any) -> None:
    trades = [Trade(0, 1.0), Trade(1, NAN), Trade(2, 7.0), Trade(3, NAN), Trade(4, -7.0)]
    assert [trade.number for trade in emitted(make(price), trades)] == [0, 1, 1, 1, 1]
    windows = emitted(rs.data.roll(3, 1, [make(price, reduce=True)]), trades)
    assert [trade.number for trade in windows][:3] == [1, 1, 3]


def test_missing_keys_can_be_left_out() -> None:
    trades = [Trade(0, NAN), Trade(1, 2.0), Trade(2, NAN), Trade(3, 5.0)]
    options: dict[str, Any] = {"reduce": True, "skip_missing": True}
    assert emitted(rs.math.argmin(price, **options), trades) == [trades[1]]
    assert emitted(rs.math.top_k(3, price, **options), trades) == [(trades[3], trades[1])]
    assert emitted(rs.math.argmax(price, **options, min_periods=3), trades) == [None]


@pytest.mark.parametrize("make", [Program, program_for])
def test_nan_has_no_rank_and_fails_its_record_only(make: Any) -> None:
    program = make(trace(rs.math.top_k(2, price)))
    fed = program.feed([Trade(0, 1.0), Trade(1, NAN), Trade(2, 3.0)], program.new_state())
    assert [index for index, _ in fed.failures] == [1]
    assert "NaN has no rank" in str(fed.failures[0][1])
    assert fed.outputs[-1] == (Trade(2, 3.0), Trade(0, 1.0))


@pytest.mark.parametrize("make", [Program, program_for])
def test_error_in_the_key_mapper_names_the_users_line(make: Any) -> None:
    program = make(trace(rs.math.argmax(lambda trade: 1 / trade.price)))
    fed = program.feed([Trade(0, 0.0), Trade(1, 2.0)], program.new_state())
    assert "ZeroDivisionError" in str(fed.failures[0][1])
    assert "test_math_extreme_items.py" in str(fed.failures[0][1])
    assert fed.outputs == [Trade(1, 2.0)]


def test_explain_gives_the_reason_for_python_calls_not_the_engines_own_code() -> None:
    explained = explain(trace(rs.math.argmax(price)))
    assert explained.rows_because is None
    assert explained.calls == {"argmax": "it reads several values of an item as one"}
