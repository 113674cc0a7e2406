"""`data.roll_trailing(closed=…)`: windows that contain other ends, or that do not contain their item."""

from __future__ import annotations

from statistics import fmean
from typing import Any, get_args

import pandas as pd
import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.columns.engine_choice import explain
from makiserve.stream.data.trailing_bounds import Closed
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.loops import loop_over
from tests.unit.stream.columns.clicks import assert_same_in_any_order, engines, features, time
from tests.unit.stream.feed import emitted
from tests.unit.stream.readings import (
    IN_ORDER,
    READINGS,
    REDUCTIONS,
    Reading,
    assert_alike,
    by_definition,
    read,
    trailing,
)

ENDS = st.sampled_from(get_args(Closed))
WITHOUT_ITEM = ["left", "neither"]


@examples(100)
@given(readings=IN_ORDER, window=st.sampled_from([2, 7, 10, 100]), closed=ENDS)
def test_items_in_order_give_the_results_of_pandas(readings: list[Reading], window: int, closed: Closed) -> None:
    values = pd.Series(
        list(map(read, readings)), index=pd.to_datetime([i.time for i in readings], unit="ms"), dtype=float
    )
    rolling, totals = (values.rolling(f"{window}ms", closed=closed, min_periods=least) for least in (1, 0))
    names = ["mean", "min", "max", "std", "var", "median", "last"]
    theirs = [getattr(rolling, name)() for name in names[:-1]]
    theirs += [rolling.apply(lambda inside: inside[-1], raw=True), totals.count(), totals.sum()]  # pandas 2 has no last
    ours = rs.ops.tee_map(*(REDUCTIONS[name] for name in (*names, "count", "sum")))
    assert_alike(emitted(trailing(ours, window, closed), readings), zip(*theirs, strict=True))


@examples(100)
@given(readings=READINGS, window=st.sampled_from([2, 10, 30]), closed=ENDS)
def test_items_in_any_order_have_the_window_of_the_definition(
    readings: list[Reading], window: int, closed: Closed
) -> None:
    expected = by_definition(readings, window, closed)
    assert emitted(trailing([rs.data.to_list()], window, closed), readings) == expected
    merged = emitted(trailing([rs.data.tail(99, reduce=True)], window, closed), readings)
    assert merged == [tuple(window) for window in expected]


@examples(100)
@given(readings=READINGS, closed=ENDS)
def test_result_depends_to_the_last_bit_on_the_items_of_its_window_alone(
    readings: list[Reading], closed: Closed
) -> None:
    thirds = [reading._replace(value=reading.value / 3) for reading in readings]
    results = [rs.math.sum(read, reduce=True), rs.math.stddev(read, reduce=True), rs.ops.count(reduce=True)]
    features = rs.ops.tee_map(rs.ops.identity(), trailing(rs.ops.tee_map(*results), closed=closed))
    for (reading, result), window in zip(emitted(features, thirds), by_definition(thirds, closed=closed), strict=True):
        others = [*window, reading] if closed in WITHOUT_ITEM else window
        assert result == emitted(features, others)[-1][1]


@loop_over("late", [0.0, 0.02, 0.5])
@loop_over("keys", [1, 3, 40])
@pytest.mark.parametrize("closed", ["left", "both", "neither"])
@pytest.mark.slow
def test_columns_give_the_results_of_the_row_engine(closed: Closed, keys: int, late: float) -> None:
    assert_same_in_any_order(*engines(rs.data.roll_trailing("50ms", time, features(), closed=closed)), keys, late)


def test_item_and_those_of_the_same_time_are_in_no_window_that_is_open_on_the_right() -> None:
    times = [Reading(0, "a"), Reading(10, "b"), Reading(10, "c"), Reading(20, "d"), Reading(31, "e")]
    windows = {
        closed: emitted(trailing([rs.data.tail(9, read, reduce=True)], closed=closed), times)
        for closed in get_args(Closed)
    }
    assert windows == {
        "right": [("a",), ("b",), ("b", "c"), ("d",), ("e",)],
        "left": [(), ("a",), ("a",), ("b", "c"), ()],
        "both": [("a",), ("a", "b"), ("a", "b", "c"), ("b", "c", "d"), ("e",)],
        "neither": [(), (), (), (), ()],
    }


@pytest.mark.parametrize("inner", ["merged", "general"])
def test_empty_window_gives_one_result_of_each_pipeline(inner: str) -> None:
    reductions: list[Any] = [
        rs.ops.count(reduce=True),
        rs.math.sum(read, reduce=True),
        rs.math.sum(read, reduce=True, min_periods=1),
        rs.math.mean(read, reduce=True),
        rs.math.stddev(read, reduce=True),
        rs.math.max(read, reduce=True),
        rs.math.distinct_count(read, reduce=True),
        rs.math.argmax(read, reduce=True),
        rs.data.tail(3, reduce=True),
        rs.ops.last(),
        rx.pipe(rs.ops.map(read), rs.ops.first()),
    ]
    if inner == "general":
        reductions.append(rs.data.to_list())
    joined = rs.ops.tee_map(rs.ops.map(read), trailing(rs.ops.tee_map(*reductions), closed="left"))
    expected = (0, 0, None, None, 0.0, None, 0, None, (), None, None)
    assert emitted(joined, [Reading(0, 1.0)]) == [(1.0, (*expected, []) if inner == "general" else expected)]


@pytest.mark.parametrize("join", [False, True])
def test_late_item_has_a_window_of_what_is_kept_before_it(join: bool) -> None:
    times = [
        Reading(0, "a"),
        Reading(8, "b"),
        Reading(12, "c"),
        Reading(9, "late"),
        Reading(1, "gone"),
        Reading(13, "d"),
    ]
    inner: Any = [rs.data.to_list(), rs.ops.map(lambda items: tuple(map(read, items)))]
    if join:
        inner = [rs.data.tail(9, read, reduce=True)]
    assert emitted(trailing(inner, closed="left"), times) == [(), ("a",), ("b",), ("b",), (), ("b", "late", "c")]


@pytest.mark.parametrize("closed", WITHOUT_ITEM)
@pytest.mark.parametrize("inner", [rs.math.max(read, reduce=True), rs.data.to_list()], ids=["merged", "general"])
def test_failed_item_is_in_no_window(inner: Any, closed: Closed) -> None:
    failing = False

    def fragile(result: Any) -> Any:
        if failing:
            raise ZeroDivisionError("on purpose")
        return result

    program = Program(trace(rx.pipe(trailing([inner], closed=closed), rs.ops.map(fragile))))
    state, outputs, accepted = program.new_state(), list[Any](), list[Reading]()
    for number in range(90):
        reading = Reading(number * 7 % 31 + number // 3, number if number % 2 else float(number))
        failing = number % 3 == 1
        outputs += program.feed([reading], state).outputs
        accepted += [] if failing else [reading]
    failing, clean, checkpoints = False, program.new_state(), Checkpoints(program, (Reading,))
    assert outputs == program.feed(accepted, clean).outputs
    assert checkpoints.dump(state) == checkpoints.dump(clean)


@pytest.mark.parametrize("inner", [rs.ops.count(reduce=True), rs.data.to_list()], ids=["merged", "general"])
def test_state_holds_no_more_than_the_window(inner: Any) -> None:
    program = Program(trace(trailing([inner], closed="left")))
    state, checkpoints = program.new_state(), Checkpoints(program, (Reading,))
    program.feed([Reading(time, 1.5) for time in range(10_000, 10_100)], state)
    size = len(checkpoints.dump(state))
    program.feed([Reading(time, 1.5) for time in range(10_100, 12_000)], state)
    assert len(checkpoints.dump(state)) == size


def test_unknown_closed_and_a_window_without_any_millisecond_are_refused() -> None:
    with pytest.raises(PipelineError, match="closed must be one of right, left, both, neither, not 'center'"):
        trailing([rs.ops.count(reduce=True)], closed="center")  # type: ignore[arg-type]
    with pytest.raises(PipelineError, match='with closed="neither" a window of 1 ms never contains an item'):
        trailing([rs.ops.count(reduce=True)], 1, "neither")


def test_explain_and_fingerprint_name_the_ends_that_are_closed() -> None:
    count = [rs.ops.count(reduce=True)]
    right, left = trace(trailing(count)), trace(trailing(count, closed="left"))
    assert str(right.operators[0]) == "roll_trailing(window_ms=10)"
    assert str(left.operators[0]) == "roll_trailing(window_ms=10, closed='left')"
    assert right.fingerprint != left.fingerprint
    assert explain(trace(rs.ops.group_by(read, trailing(count, closed="left")))).rows_because is None
    assert explain(trace(rs.ops.group_by(read, trailing([rs.data.to_list()], closed="left")))).rows_because == (
        "group_by > roll_trailing(window_ms=10, closed='left'): its pipeline is not a reduction, so every window runs "
        "it on all items"
    )


@examples(40)
@given(readings=READINGS, count=st.integers(1, 5))
def test_tail_without_its_last_element_is_pandas_shifted_window(readings: list[Reading], count: int) -> None:
    values = pd.Series(list(map(read, readings)), dtype=float)
    theirs = values.shift().rolling(count, min_periods=1).mean()
    tails = emitted(rs.data.tail(count + 1, read), readings)
    assert_alike([(fmean(tail[:-1]) if len(tail) > 1 else None,) for tail in tails], zip(theirs, strict=True))
