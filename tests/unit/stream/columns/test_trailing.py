"""`roll_trailing` in columns: the row engine's results for items in any order, and what moves to the row engine."""

from __future__ import annotations

from typing import Any, get_args

import pytest

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.data.trailing_bounds import Closed
from makiserve.stream.engine.program import Program
from tests.loops import loop_over
from tests.unit.stream.columns.clicks import Click, assert_same_in_any_order, comparable, engines, features, time


def trailing(inner: Any, window: str = "50ms", closed: Closed = "right") -> tuple[ColumnProgram, Program]:
    return engines(rs.data.roll_trailing(window, time, inner, closed=closed))


@loop_over("late", [0.0, 0.02, 0.5])
@loop_over("keys", [1, 3, 40])
@pytest.mark.slow
def test_items_in_any_order_give_the_results_of_the_row_engine(keys: int, late: float) -> None:
    assert_same_in_any_order(*trailing(features()), keys, late)


def test_state_holds_the_items_of_the_last_window() -> None:
    columns, _ = trailing(rs.math.sum(lambda i: i.value, reduce=True))
    codec, state, sizes = ColumnCheckpoints(columns), columns.new_state(), []
    for start in range(0, 1000, 100):
        columns.feed([Click(0, time, 1.0) for time in range(start, start + 100)], state)
        sizes.append(len(codec.dump(state)))
    assert len(set(sizes)) == 1
    assert sizes[0] < 50 * 16 + 300


@pytest.mark.slow
def test_group_moves_to_the_row_engine_if_its_windows_have_too_many_items_for_a_new_one() -> None:
    columns, rows = trailing(rs.math.sum(lambda i: i.value, reduce=True), "1d")
    state, other = columns.new_state(), rows.new_state()
    long = [Click(0, time, time / 3) for time in range(2**16)]
    for batch in (long, [Click(1, 5, 0.5), Click(0, 2**16, 0.5)], [Click(1, 6, 0.5), Click(0, 2**16 + 1, 0.1)]):
        assert list(columns.feed(batch, state).outputs) == rows.feed(batch, other).outputs
    index = state.tables[1].index
    assert [bool(state.tables[1].is_foreign[index[key]]) for key in (0, 1)] == [True, False]


@pytest.mark.parametrize("closed", get_args(Closed))
@pytest.mark.parametrize(("reduction", "value"), [(rs.math.sum, 2**45), (rs.math.max, "text")])
def test_group_with_a_value_that_arrays_cannot_hold_moves_with_its_items(
    reduction: Any, value: Any, closed: Closed
) -> None:
    inner = rs.ops.tee_map(rs.data.window_start(), reduction(lambda i: i.value, reduce=True), rs.ops.last())
    columns, rows = trailing(inner, closed=closed)
    state, other = columns.new_state(), rows.new_state()
    batches = [[Click(key, time // 2 * 2, time) for time in range(30) for key in (0, 1)] for _ in range(2)]
    for batch in (batches[0], [Click(0, 31, value), Click(1, 31, 4)], batches[1], [Click(0, 33, 5), Click(1, 33, 5)]):
        assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))
    assert state.tables[1].is_foreign.sum() == 1


def test_window_without_items_after_its_cut_reduces_those_before_it_alone() -> None:
    makers: list[Any] = [rs.math.max, rs.math.min, rs.math.sum, rs.math.stddev]
    reductions = [make(lambda i: i.value, reduce=True) for make in makers]
    columns, rows = trailing(rs.ops.tee_map(*reductions), closed="left")
    batch = [Click(key, time, -float(time)) for key in range(30) for time in (45, 49, 60)]  # 50 ms cuts the last one
    fed = columns.feed(batch, columns.new_state())
    assert comparable(fed) == comparable(rows.feed(batch, rows.new_state()))
    assert list(fed.outputs)[2] == (-45.0, -49.0, -94.0, pytest.approx(8**0.5))
