"""`data.roll_trailing`: pandas' results for items in order, and the definition itself for items in any order."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.columns.engine_choice import explain
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.unit.stream.feed import emitted
from tests.unit.stream.readings import (
    IN_ORDER,
    READINGS,
    REDUCTIONS,
    VALUES,
    Reading,
    assert_alike,
    by_definition,
    read,
    trailing,
)


@examples(60)
@given(readings=IN_ORDER, window=st.sampled_from([1, 7, 10, 100]))
def test_items_in_order_give_the_results_of_pandas(readings: list[Reading], window: int) -> None:
    times = pd.to_datetime([reading.time for reading in readings], unit="ms")
    rolling = pd.Series(list(map(read, readings)), index=times, dtype=float).rolling(f"{window}ms")
    ours = emitted(trailing(rs.ops.tee_map(*REDUCTIONS.values()), window), readings)
    ends = {  # pandas 2 has no first and last
        "first": rolling.apply(lambda values: values[0], raw=True),
        "last": rolling.apply(lambda values: values[-1], raw=True),
    }
    theirs = zip(*(ends[name] if name in ends else getattr(rolling, name)() for name in REDUCTIONS), strict=True)
    assert_alike(ours, theirs)


@examples(60)
@given(readings=IN_ORDER, q=st.sampled_from([0.0, 0.25, 0.9, 1.0]))
def test_quantiles_are_those_of_pandas(readings: list[Reading], q: float) -> None:
    times = pd.to_datetime([reading.time for reading in readings], unit="ms")
    theirs = pd.Series(list(map(read, readings)), index=times, dtype=float).rolling("10ms").quantile(q)
    ours = emitted(trailing([rs.math.quantile(q, read, reduce=True)]), readings)
    assert_alike([(value,) for value in ours], [(value,) for value in theirs])


@examples(60)
@given(
    readings=st.lists(st.builds(Reading, st.integers(0, 60), VALUES | st.just(math.nan) | st.none()), max_size=40),
    least=st.integers(1, 4),
)
def test_missing_values_and_min_periods_are_those_of_pandas(readings: list[Reading], least: int) -> None:
    readings = sorted(readings, key=lambda reading: reading.time)
    missing: dict[str, Any] = {"reduce": True, "skip_missing": True, "min_periods": least}
    inner = rs.ops.tee_map(rs.math.mean(read, **missing), rs.math.sum(read, **missing), rs.math.max(read, **missing))
    times = pd.to_datetime([reading.time for reading in readings], unit="ms")
    rolling = pd.Series(list(map(read, readings)), index=times, dtype=float).rolling("10ms", min_periods=least)
    assert_alike(emitted(trailing(inner), readings), zip(rolling.mean(), rolling.sum(), rolling.max(), strict=True))


@examples(100)
@given(readings=READINGS)
def test_items_in_any_order_have_the_window_of_the_definition(readings: list[Reading]) -> None:
    expected = by_definition(readings)
    assert emitted(trailing([rs.data.to_list()]), readings) == expected
    assert emitted(trailing([rs.data.tail(99, reduce=True)]), readings) == [tuple(window) for window in expected]


@examples(100)
@given(readings=READINGS)
def test_result_depends_to_the_last_bit_on_the_items_of_its_window_alone(readings: list[Reading]) -> None:
    thirds = [reading._replace(value=reading.value / 3) for reading in readings]
    features = trailing(rs.ops.tee_map(rs.math.sum(read, reduce=True), rs.math.stddev(read, reduce=True)))
    results = emitted(features, thirds)
    for result, window in zip(results, by_definition(thirds), strict=True):
        assert result == emitted(features, window)[-1]


def test_item_exactly_a_window_before_is_not_in_the_window() -> None:
    times = [Reading(0, "a"), Reading(9, "b"), Reading(10, "c"), Reading(10, "d")]
    assert emitted(trailing([rs.data.tail(9, read, reduce=True)]), times) == [
        ("a",),
        ("a", "b"),
        ("b", "c"),
        ("b", "c", "d"),
    ]


def test_late_item_has_a_window_of_what_is_kept_and_is_in_later_windows() -> None:
    times = [
        Reading(0, "a"),
        Reading(8, "b"),
        Reading(12, "c"),
        Reading(9, "late"),
        Reading(1, "gone"),
        Reading(13, "d"),
    ]
    assert emitted(trailing([rs.data.tail(9, read, reduce=True)]), times) == [
        ("a",),
        ("a", "b"),
        ("b", "c"),
        ("b", "late"),
        ("gone",),
        ("b", "late", "c", "d"),
    ]


def test_each_key_has_its_own_windows_and_results_join_their_items() -> None:
    readings = [Reading(0, "a"), Reading(1, "b"), Reading(5, "a"), Reading(20, "b")]
    counted = rs.ops.tee_map(rs.ops.map(read), trailing([rs.ops.count(reduce=True)]))
    assert emitted(rs.ops.group_by(read, counted), readings) == [("a", 1), ("b", 1), ("a", 2), ("b", 1)]


def test_times_may_be_datetimes_with_and_without_a_zone() -> None:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    items = [start, start.replace(tzinfo=None) + timedelta(hours=5), start + timedelta(hours=7)]
    assert emitted(rs.data.roll_trailing("6h", lambda i: i, [rs.ops.count(reduce=True)]), items) == [1, 2, 2]


@pytest.mark.parametrize("inner", [rs.ops.count(reduce=True), rs.data.to_list()], ids=["merged", "general"])
def test_state_holds_no_more_than_the_window(inner: Any) -> None:
    program = Program(trace(trailing([inner])))
    state, checkpoints = program.new_state(), Checkpoints(program, (Reading,))
    program.feed([Reading(time, 1.5) for time in range(10_000, 10_100)], state)
    size = len(checkpoints.dump(state))
    program.feed([Reading(time, 1.5) for time in range(10_100, 12_000)], state)
    assert len(checkpoints.dump(state)) == size


@pytest.mark.parametrize("inner", [rs.math.max(read, reduce=True), rs.data.to_list()], ids=["merged", "general"])
def test_failed_item_is_in_no_window(inner: Any) -> None:
    failing = False

    def fragile(result: Any) -> Any:
        if failing:
            raise ZeroDivisionError("on purpose")
        return result

    program = Program(trace(rx.pipe(trailing([inner]), rs.ops.map(fragile))))
    state, outputs, accepted = program.new_state(), list[Any](), list[Reading]()
    for number in range(60):
        reading = Reading(number * 7 % 31 + number // 2, number if number % 2 else float(number))
        failing = number % 3 == 1
        outputs += program.feed([reading], state).outputs
        accepted += [] if failing else [reading]
    failing, clean, checkpoints = False, program.new_state(), Checkpoints(program, (Reading,))
    assert outputs == program.feed(accepted, clean).outputs
    assert checkpoints.dump(state) == checkpoints.dump(clean)


def test_value_that_is_not_a_time_fails_only_its_record() -> None:
    program = Program(trace(trailing([rs.ops.count(reduce=True)])))
    fed = program.feed([Reading(1, 0), Reading("noon", 0), Reading(2, 0)], program.new_state())  # type: ignore[arg-type]
    assert fed.outputs == [1, 2]
    assert "an event time must be" in str(fed.failures[0][1])


@pytest.mark.parametrize("inner", [[], [rs.math.sum(read)], [rs.ops.map(read)], rs.ops.tee_map(rs.ops.count())])
def test_pipeline_that_emits_for_each_item_of_a_window_is_refused(inner: Any) -> None:
    with pytest.raises(PipelineError, match=r"^roll_trailing: .* End it with a reduction"):
        trailing(inner)


def test_explain_names_the_operator_that_keeps_the_plan_in_the_row_engine() -> None:
    plan = trace(rs.ops.group_by(read, trailing([rs.data.to_list()])))
    assert explain(plan).rows_because == (
        "group_by > roll_trailing(window_ms=10): its pipeline is not a reduction, so every window runs it on all items"
    )
    assert explain(trace(rs.ops.group_by(read, trailing([rs.ops.count(reduce=True)])))).rows_because is None
