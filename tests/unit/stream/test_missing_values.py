"""skip_missing, min_periods and forward_fill: pandas' results, and where they differ on purpose."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.records import Record
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.unit.stream.feed import emitted

NAN = math.nan
SPREADS = ("var", "std")
ROLLING: dict[str, Callable[..., Any]] = {
    "sum": rs.math.sum,
    "mean": rs.math.mean,
    "min": rs.math.min,
    "max": rs.math.max,
    "var": rs.math.variance,
    "std": rs.math.stddev,
    "median": rs.math.median,
    "count": lambda reduce, skip_missing, min_periods: rs.ops.count(reduce, skip_missing=skip_missing),
}
"""pandas' methods of windows, and the reductions that give the same."""

VALUES = st.lists(st.none() | st.just(NAN) | st.integers(-1000, 1000).map(lambda i: i / 8), min_size=1, max_size=25)


def same(ours: Any, theirs: float) -> bool:
    return theirs != theirs if ours is None else ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@examples(40)
@given(values=VALUES, window=st.integers(1, 8), stride=st.integers(1, 3), periods=st.integers(1, 8))
@pytest.mark.parametrize("name", ROLLING)
def test_windows_are_those_of_pandas(
    name: str, values: list[float | None], window: int, stride: int, periods: int
) -> None:
    periods = min(max(periods, 2 if name in SPREADS else 1), window)
    if name in SPREADS and window == 1:
        return
    make = ROLLING[name](reduce=True, skip_missing=True, min_periods=periods)
    ours = emitted(rs.data.roll(window, stride, [make, rs.ops.take(1)]), values)
    rolling = pd.Series(values, dtype=float).rolling(window, min_periods=0 if name == "count" else periods)
    theirs = list(getattr(rolling, name)())[window - 1 :: stride]
    full = ours[: len(theirs)]  # what follows are the windows that the end of the stream completes
    assert len(full) == len(theirs)
    assert all(map(same, full, theirs)), (full, theirs)


@examples(40)
@given(values=VALUES, periods=st.integers(1, 5))
@pytest.mark.parametrize("name", [name for name in ROLLING if name != "count"])
def test_running_results_are_pandas_expanding_ones(name: str, values: list[float | None], periods: int) -> None:
    periods = max(periods, 2) if name in SPREADS else periods
    ours = emitted(ROLLING[name](reduce=False, skip_missing=True, min_periods=periods), values)
    theirs = list(getattr(pd.Series(values, dtype=float).expanding(min_periods=periods), name)())
    assert len(ours) == len(values)
    assert all(map(same, ours, theirs)), (ours, theirs)


@examples(40)
@given(values=VALUES, periods=st.integers(2, 5), alpha=st.sampled_from([0.1, 0.5, 0.9]))
def test_weighted_results_are_pandas_with_ignore_na(values: list[float | None], periods: int, alpha: float) -> None:
    theirs = pd.Series(values, dtype=float).ewm(alpha=alpha, ignore_na=True, min_periods=periods)
    options: dict[str, Any] = {"alpha": alpha, "skip_missing": True, "min_periods": periods}
    assert all(map(same, emitted(rs.math.ewm_mean(**options), values), theirs.mean()))
    assert all(map(same, emitted(rs.math.ewm_stddev(**options), values), theirs.std()))


PAIRS = st.lists(st.tuples(*[st.none() | st.integers(-50, 50).map(float)] * 2), min_size=1, max_size=20)


@examples(40)
@given(pairs=PAIRS)
def test_pairs_are_skipped_as_in_pandas(pairs: list[tuple[float | None, float | None]]) -> None:
    known = pd.DataFrame(pairs, columns=["x", "y"], dtype=float).dropna()
    options: dict[str, Any] = {"reduce": True, "skip_missing": True, "min_periods": 2}
    if len(known) < 2:
        assert emitted(rs.math.covariance(**options), pairs) == [None]
        return
    assert same(emitted(rs.math.covariance(**options), pairs)[0], known["x"].cov(known["y"]))
    if known["x"].nunique() > 1:
        slope = float(np.polyfit(known["x"], known["y"], 1)[0])
        assert emitted(rs.math.slope(**options), pairs)[0] == pytest.approx(slope, abs=1e-9)


@examples(40)
@given(values=VALUES)
def test_forward_fill_is_pandas_ffill(values: list[float | None]) -> None:
    filled = emitted(rs.data.forward_fill(), values)
    expected = pd.Series(values, dtype=float).ffill()
    assert all(is_same_or_missing(ours, theirs) for ours, theirs in zip(filled, expected, strict=True))


def is_same_or_missing(ours: float | None, theirs: float) -> bool:
    return ours == theirs or (theirs != theirs and (ours is None or ours != ours))


class Reading(NamedTuple):
    temperature: float | None
    wind: float | None


class Measured(Record):
    temperature: float | None = None
    wind: float | None = None


@pytest.mark.parametrize("kind", [Reading, Measured])
def test_each_field_is_filled_independently(kind: Any) -> None:
    items = [kind(None, 1.0), kind(7.0, None), kind(NAN, 3.0), kind(None, None)]
    assert emitted(rs.data.forward_fill(), items)[1:] == [kind(7.0, 1.0), kind(7.0, 3.0), kind(7.0, 3.0)]


def test_each_group_is_filled_from_its_own_items() -> None:
    items = [("a", 1.0), ("b", None), ("a", None), ("b", 2.0), ("b", None)]
    filled = emitted(rs.ops.group_by(lambda i: i[0], [rs.data.forward_fill()]), items)
    assert filled == [("a", 1.0), ("b", None), ("a", 1.0), ("b", 2.0), ("b", 2.0)]


def test_value_of_another_shape_is_not_filled() -> None:
    items = [1.0, (None, 2.0), (None, None, 3.0), Reading(None, 1.0)]
    assert emitted(rs.data.forward_fill(), items) == items


def test_a_running_result_comes_for_every_item() -> None:
    """It can then be zipped with other branches."""
    means = rs.ops.tee_map(rs.ops.identity(), rs.math.mean(skip_missing=True, min_periods=2))
    assert emitted(means, [None, 1.0, NAN, 3.0, None])[3:] == [(3.0, 2.0), (None, 2.0)]
    assert [mean for _, mean in emitted(means, [None, 1.0, NAN])] == [None, None, None]


def test_without_choice_a_missing_value_is_an_error_or_propagates() -> None:
    program = Program(trace(rs.math.mean(reduce=True)))
    state = program.new_state()
    fed = program.feed([1.0, None, 3.0], state)
    assert "skip_missing=True" in str(fed.failures[0][1])
    assert program.complete(state) == [2.0]
    assert math.isnan(emitted(rs.math.mean(reduce=True), [1.0, NAN])[0])


def test_min_periods_counts_values_across_the_panes_of_a_window() -> None:
    windows = rs.data.roll(4, 2, [rs.math.sum(reduce=True, skip_missing=True, min_periods=3)])
    assert emitted(windows, [1, None, 2, 3, None, None, 4, 5])[:3] == [6, None, None]


def test_min_periods_survives_a_checkpoint() -> None:
    program = Program(trace(rs.math.sum(min_periods=3)))
    state = program.new_state()
    assert program.feed([1, 2], state).outputs == [None, None]
    checkpoints = Checkpoints(program)
    assert program.feed([3], checkpoints.load(checkpoints.dump(state))).outputs == [6]


@pytest.mark.parametrize("periods", [0, -1, 1.5, "2"])
def test_min_periods_below_one_is_refused(periods: Any) -> None:
    with pytest.raises(PipelineError, match="min_periods"):
        rs.math.mean(min_periods=periods)


def test_a_plan_without_these_options_keeps_its_fingerprint() -> None:
    """A model that was packaged before them can still be loaded."""
    assert trace([rs.math.mean(), rs.math.quantile(0.5, reduce=True), rs.ops.count()]).draw().split("\n") == [
        "mean",
        "quantile(reduce=True, q=0.5)",
        "count",
    ]


@pytest.mark.parametrize("make", [rs.math.sum, rs.math.max, rs.math.mean, rs.math.median, rs.math.top_k, rs.data.tail])
def test_na_of_pandas_is_a_missing_value(make: Callable[..., Any]) -> None:
    count = (2,) if make in (rs.math.top_k, rs.data.tail) else ()
    items = [1.5, pd.NA, None, 2.5]
    for engine in (program_for, Program):
        program: Any = engine(trace(make(*count, reduce=True, skip_missing=True)))
        state = program.new_state()
        assert not program.feed(items, state).failures
        assert program.complete(state) == emitted(make(*count, reduce=True, skip_missing=True), [1.5, 2.5])
    assert emitted(rs.data.forward_fill(), items) == [1.5, 1.5, 1.5, 2.5]


@pytest.mark.parametrize("make", [rs.math.sum, rs.math.max, rs.ops.count])
def test_value_that_cannot_be_compared_with_itself_has_the_error_of_the_comparison(make: Callable[..., Any]) -> None:
    items = [1.5, np.array([1, 2]), 2.5]
    for engine in (program_for, Program):
        program: Any = engine(trace(make(skip_missing=True)))
        fed = program.feed(items, program.new_state())
        ((place, error),) = fed.failures
        assert place == 1
        assert "The truth value of an array" in str(error)
