"""Values of a window that cannot be compared with each other: the window fails when it completes, in both engines."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any, NamedTuple

import pytest
import rx
from hypothesis import given, settings
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL, SmallBatches
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.columns.both_engines import assert_equal_batches
from tests.unit.stream.feed import Failing, while_failing

BEGIN = datetime(2024, 1, 1, 23, 59, 56, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


class Item(NamedTuple):
    at: datetime
    value: Any


def items(*values: Any) -> list[Item]:
    return [Item(BEGIN + index * SECOND, value) for index, value in enumerate(values)]


def value(item: Item) -> Any:
    return item.value


def at(item: Item) -> datetime:
    return item.at


REDUCTIONS: dict[str, Any] = {
    "max": lambda **missing: rs.math.max(value, reduce=True, **missing),
    "min": lambda **missing: rs.math.min(value, reduce=True, **missing),
    "argmax": lambda **missing: rx.pipe(rs.math.argmax(value, reduce=True, **missing), rs.ops.map(value)),
    "argmin": lambda **missing: rx.pipe(rs.math.argmin(value, reduce=True, **missing), rs.ops.map(value)),
    "top_k": lambda **missing: rs.math.top_k(1, value, reduce=True, **missing),
}
WINDOWS: dict[str, Any] = {
    "adjacent": lambda inner: rs.data.roll(3, 3, inner),
    "rolling": lambda inner: rs.data.roll(3, 1, inner),
    "panes of two": lambda inner: rs.data.roll(4, 2, inner),
    "gaps": lambda inner: rs.data.roll(3, 5, inner),
    "time": lambda inner: rs.data.roll_time(4 * SECOND, 4 * SECOND, at, inner),
    "hopping": lambda inner: rs.data.roll_time(4 * SECOND, 2 * SECOND, at, inner),
    "trailing": lambda inner: rs.data.roll_trailing(3 * SECOND, at, inner),
    "calendar": lambda inner: rs.data.roll_calendar("day", at, inner, zone="UTC"),
    "session": lambda inner: rs.data.roll_session(3 * SECOND, at, inner),
    "split": lambda inner: rs.data.split(lambda item: item.at.second // 4, inner),
}


def keyed(window: str, reduction: str, **missing: Any) -> Any:
    return rs.ops.group_by(lambda _: "key", WINDOWS[window]([REDUCTIONS[reduction](**missing)]))


def fed(pipeline: Any, *values: Any) -> Failing:
    return while_failing(Program(trace(pipeline)), items(*values), lambda _: None, is_cut=True)[0]


def failed(result: Failing) -> list[int]:
    return [index for index, (_, error) in enumerate(result.fed) if error]


@loop_over("reduction", REDUCTIONS)
def test_window_of_values_that_cannot_be_compared_fails_two_records_and_is_gone(reduction: str) -> None:
    result = fed(keyed("adjacent", reduction), "a", *range(1, 11))
    assert failed(result) == [2, 3]
    errors = [error for _, error in result.fed if error]
    assert all("'int'" in error and "convert or filter values of other types" in error for error in errors)
    assert errors[1].endswith("when the window of 3 items completed. The window is removed without output")
    assert [index for index, (outputs, _) in enumerate(result.fed) if outputs] == [7, 10]


@loop_over("reduction", REDUCTIONS)
def test_value_of_another_type_that_fills_its_window_fails_alone(reduction: str) -> None:
    result = fed(keyed("rolling", reduction), 1, 2, 3, "a", 4, 5, 6)
    assert failed(result) == [3]
    assert len(result.outputs) == 4


@pytest.mark.parametrize(
    ("window", "expected"),
    [("time", [4]), ("hopping", [2, 4]), ("trailing", [1, 2]), ("split", [4])],
)
def test_window_of_time_with_such_values_fails_once_and_the_next_ones_are_right(
    window: str, expected: list[int]
) -> None:
    result = fed(keyed(window, "max"), "a", *range(1, 14))
    assert failed(result) == expected
    assert result.outputs[-1] == 13 if window == "trailing" else 11


def test_running_reduction_and_one_of_a_group_that_never_completes() -> None:
    running = rs.ops.group_by(lambda _: "key", [rs.math.max(value)])
    assert failed(fed(running, "a", 1, "b", 2)) == [1, 3]
    group = rs.ops.group_by(lambda _: "key", [rs.math.max(value, reduce=True)])
    assert failed(fed(group, "a", 1, "b", 2)) == []
    with pytest.raises(TypeError, match="convert or filter values of other types"):
        rx.from_(items("a", 1)).pipe(group).run()


def assert_equal(window: str, reduction: str, values: list[Any], cuts: list[int], **missing: Any) -> None:
    plan = trace(keyed(window, reduction, **missing))
    program, rows = program_for(plan), Program(plan)
    if isinstance(program, ColumnProgram):
        for small in (NO_SMALL, SmallBatches(3, 5)):
            columns = ColumnProgram(plan, program.compiled, program.rows, small, program.keeping)
            assert_equal_batches(columns, rows, items(*values), cuts, ColumnCheckpoints(columns, (Item,)))
            assert_equal_batches(columns, rows, items(*values), cuts, None)


@pytest.mark.parametrize("window", ["adjacent", "hopping"])
def test_engines_agree_on_such_values_in_any_batches(window: str) -> None:
    for cuts in ([1], [2], [30]):
        assert_equal(window, "max", [1, "a", 2, 3, 4, 5, "b", 6, 7, 8, 9, 10], cuts)


@pytest.mark.slow
@loop_over(("window", "reduction"), list(product(WINDOWS, REDUCTIONS)))
def test_engines_agree_on_such_values_in_all_windows(window: str, reduction: str) -> None:
    for cuts in ([1], [2], [3, 4], [30]):
        assert_equal(window, reduction, [1, "a", 2, 3, 4, 5, "b", 6, 7, 8, 9, 10], cuts)
        assert_equal(window, reduction, ["a", 1, 2, 3, 4, 5, 6, 7, None, 9], cuts, min_periods=2)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(list(WINDOWS)),
    st.sampled_from(list(REDUCTIONS)),
    st.lists(st.sampled_from([1, 2, 3.5, 7, "a", "b", None, (1,), float("inf"), float("nan")]), max_size=20),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.booleans(),
)
def test_engines_agree_on_values_of_any_types(
    window: str, reduction: str, values: list[Any], cuts: list[int], is_skipping: bool
) -> None:
    assert_equal(window, reduction, values, cuts, skip_missing=is_skipping)
