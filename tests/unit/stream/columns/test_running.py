"""Running reductions in columns give the row engine's results, whatever the strategy and the cut."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.column import Column, column_of
from makiserve.stream.columns.folds import ObjectFold, column_fold
from makiserve.stream.columns.running import partials, running
from makiserve.stream.columns.segments import Segments
from tests.examples import examples
from tests.loops import loop_over
from tests.unit.stream.columns.batches import CUTS, RowEngine, batches, lanes, listed, node, same

OPERATORS: dict[str, Any] = {
    "count": lambda skip_missing, min_periods: rs.ops.count(skip_missing=skip_missing),
    "sum": rs.math.sum,
    "mean": rs.math.mean,
    "variance": rs.math.variance,
    "stddev": rs.math.stddev,
    "formal.variance": rs.math.formal.variance,
    "formal.stddev": rs.math.formal.stddev,
    "ewm_mean": partial(rs.math.ewm_mean, alpha=0.3),
    "ewm_mean of a short memory": partial(rs.math.ewm_mean, alpha=0.9),
    "ewm_stddev": partial(rs.math.ewm_stddev, halflife=2),
    "skew": rs.math.skew,
    "min": rs.math.min,
    "max": rs.math.max,
    "distinct_count": rs.math.distinct_count,
}


@examples(12)
@given(data=st.data(), kind=st.sampled_from([float, int, bool]), cuts=CUTS, few=st.sampled_from([1, 4, 1000]))
@pytest.mark.parametrize("name", OPERATORS)
def test_running_results_are_those_of_the_row_engine(
    name: str, data: st.DataObject, kind: type, cuts: list[int], few: int
) -> None:
    skips = data.draw(st.booleans())
    operator = OPERATORS[name](skip_missing=skips, min_periods=data.draw(st.none() | st.integers(1, 3)))
    items = data.draw(lanes(kind, is_missing=skips))
    engine, carry, fold = RowEngine(operator, len(items)), None, None
    for batch in batches(items, cuts):
        column = batch.column(kind)
        fold = fold or column_fold(node(operator), column)
        fold.few = few
        carry = fold.zero(len(items)) if carry is None else carry
        reading = fold.read(column)
        assert reading.failed is None
        assert reading.odd is None
        at_keys = tuple(array[batch.keys] for array in carry)
        ran = running(fold, reading, batch.segments, at_keys)
        outputs, _ = engine.feed(batch)
        assert same(ran.results.items(), outputs)
        assert same(fold.plain(partials(fold, reading, batch.segments, at_keys).last), fold.plain(ran.carry))
        for array, after in zip(carry, ran.carry, strict=True):
            array[batch.keys] = after
        assert_states_are_those_of(engine, fold, carry)


@pytest.mark.parametrize("alpha", [0.02, 0.3, 0.5, 0.9, 1])
def test_weights_of_ewm_that_no_longer_change(alpha: float) -> None:
    operator, rng = rs.math.ewm_stddev(alpha=alpha), np.random.default_rng(7)
    engine, carry, fold = RowEngine(operator, 1), None, None
    for batch in batches([rng.normal(1e6, 3, 4000).tolist()], [1, 2500, 2501]):
        column = batch.column(float)
        fold = fold or column_fold(node(operator), column)
        ran = running(fold, fold.read(column), batch.segments, fold.zero(1) if carry is None else carry)
        assert same(ran.results.items(), engine.feed(batch)[0])
        carry = ran.carry
        assert_states_are_those_of(engine, fold, carry)


def assert_states_are_those_of(engine: RowEngine, fold: Any, carry: Any) -> None:
    partials = [state[1] for state in engine.states]
    assert same(fold.plain(carry), partials)
    there = fold.from_plain(partials)
    assert same(fold.plain(there), partials)


@loop_over(
    ("name", "values", "failed", "odd"),
    [
        ("sum", [1.0, None], [1], []),
        ("sum", [1.0, "a", 2, Decimal(1)], [1], []),
        ("sum", [1.0, 1e308, -1e302, math.inf], [], [1, 2]),
        ("sum", [1, 2**50, -(2**63)], [], [1, 2]),
        ("stddev", [1, 2**53, -(2**63)], [], [1, 2]),
        ("min", [1.0, None], [1], []),
        ("mean", [1.0, 10**400], [1], []),
    ],
)
def test_values_that_fail_or_need_the_row_engine_are_marked(
    name: str, values: list[Any], failed: list[int], odd: list[int]
) -> None:
    column = column_of(values)
    reading = column_fold(node(OPERATORS[name](skip_missing=False, min_periods=None)), column).read(column)
    assert np.flatnonzero([] if reading.failed is None else reading.failed).tolist() == failed
    assert np.flatnonzero([] if reading.odd is None else reading.odd).tolist() == odd


def test_objects_in_a_typed_form_are_odd_unless_they_are_of_its_type() -> None:
    fold = column_fold(node(rs.math.sum()), column_of([1.0]))
    reading = fold.read(column_of([1.5, None, 2, "a", True]))
    assert reading.values[0] == 1.5
    assert listed(reading.failed) == [False, True, False, False, False]
    assert listed(reading.odd) == [False, False, True, True, True]
    assert listed(fold.read(column_of([1, 2])).odd) == [True, True]


def test_sums_that_leave_the_range_are_outgrown() -> None:
    fold = column_fold(node(rs.math.sum()), column_of([1.0]))
    carry = running(fold, fold.read(Column(np.full(3, 2.0**999))), Segments(np.array([1, 2])), fold.zero(2)).carry
    assert listed(fold.outgrown(carry)) == [False, True]
    whole = column_fold(node(rs.math.sum()), column_of([1]))
    assert listed(whole.outgrown((np.array([5, 2**62 + 1]),))) == [False, True]


def test_means_of_large_integers_are_rounded_once() -> None:
    operator = rs.math.mean()
    items = [[2**42 - 1] * 3000 + [1] * 3]
    (batch,) = batches(items, [4000])
    fold = column_fold(node(operator), batch.column(int))
    ran = running(fold, fold.read(batch.column(int)), batch.segments, fold.zero(1))
    assert same(ran.results.items(), RowEngine(operator, 1).feed(batch)[0])


def test_an_item_on_which_the_reduction_raises_is_left_out() -> None:
    column = column_of(["b", 1, "a", "c"])
    fold = column_fold(node(rs.math.min()), column)
    ran = running(fold, fold.read(column), Segments(np.array([3, 1])), fold.zero(2))
    assert listed(ran.failed) == [False, True, False, False]
    assert ran.results.items() == ["b", None, "a", "c"]
    assert fold.plain(ran.carry) == ["a", "c"]


def test_partial_results_of_another_type_have_no_typed_form() -> None:
    assert column_fold(node(rs.math.sum()), column_of([1.0])).from_plain([(2, 0)]) is None
    assert column_fold(node(rs.math.sum()), column_of([1])).from_plain([(2.0, 0.0)]) is None
    assert column_fold(node(rs.math.stddev()), column_of([1])).from_plain([(1, 0.5, 0.0, 0.0)]) is None
    assert column_fold(node(rs.math.min()), column_of([1])).from_plain([0.5]) is None
    assert isinstance(column_fold(node(rs.math.min()), column_of(["a"])), ObjectFold)
