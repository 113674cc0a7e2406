"""One bad record per operator that holds something: the following records are right, or the error names the remedy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.unit.stream.feed import while_failing

DAY = datetime(2026, 1, 1, tzinfo=timezone.utc)
NUMBERS = [1, 2, 3, 4, 5]


def fed(pipeline: Any, items: list[Any]) -> tuple[list[Any], list[tuple[int, str]]]:
    """Outputs and failures, the same on both engines."""
    results = []
    for program in (Program(trace(pipeline)), program_for(trace(pipeline))):
        state: Any = program.new_state()
        fed = program.feed(items, state)
        results.append((list(fed.outputs), [(at, str(error)) for at, error in fed.failures]))
    assert results[0] == results[1]
    return results[0]


RECOVERS: dict[str, tuple[Callable[[], Any], list[Any], list[Any]]] = {
    "assert_1": (lambda: rs.ops.assert_1(lambda previous, item: previous <= item), ["x", *NUMBERS], ["x", 3, 4, 5]),
    "split": (lambda: rs.data.split(lambda i: Odd(i), [rs.data.to_list()]), ["x", *NUMBERS], [[3], [4]]),
    "time_split": (
        lambda: rs.data.time_split(lambda i: i, inactive_timeout=timedelta(1), pipeline=[rs.data.to_list()]),
        [1, *[DAY + timedelta(days=i) for i in range(4)]],
        [[DAY + timedelta(days=2)]],
    ),
}


class Odd:
    """A value that can be compared with others of its type only."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __ne__(self, other: object) -> bool:
        assert isinstance(other, Odd)
        if type(other.value) is not type(self.value):
            raise TypeError("not comparable")
        return bool(other.value != self.value)

    __hash__ = None


@pytest.mark.parametrize(("make", "items", "expected"), RECOVERS.values(), ids=RECOVERS)
def test_operator_drops_what_two_items_cannot_be_compared_with(make: Any, items: Any, expected: list[Any]) -> None:
    outputs, ((first, first_error), (second, second_error)) = fed(make(), items)
    assert (first, second) == (1, 2)
    assert ". If the next item fails, too, it is dropped" in first_error
    assert ". It is dropped, as if the key began after it" in second_error
    assert outputs == expected


def test_items_that_fail_before_the_comparison_drop_no_session() -> None:
    split = rs.data.time_split(lambda i: i, inactive_timeout=timedelta(1), pipeline=[rs.data.to_list()])
    outputs, failures = fed(split, [DAY, None, "x", None, DAY + timedelta(hours=1), DAY + timedelta(days=3)])
    assert outputs == [[DAY, DAY + timedelta(hours=1)]]
    assert [at for at, _ in failures] == [1, 2, 3]


def test_false_assertion_keeps_the_item_that_passed_last() -> None:
    """It is the rule of the user: two late items in a row must not let a third one pass."""
    outputs, failures = fed(rs.ops.assert_1(lambda previous, item: previous <= item), [5, 4, 3, 2, 6])
    assert outputs == [5, 6]
    assert [at for at, _ in failures] == [1, 2, 3]


KEEPS = {
    "max": rs.math.max,
    "min": rs.math.min,
    "argmax": rs.math.argmax,
    "argmin": rs.math.argmin,
    "top_k": lambda: rs.math.top_k(2),
}


@pytest.mark.parametrize("make", KEEPS.values(), ids=KEEPS)
def test_result_of_all_records_stays_and_the_error_names_its_type(make: Any) -> None:
    outputs, failures = fed(make(), ["x", *NUMBERS, "y"])
    assert [at for at, _ in failures] == [1, 2, 3, 4, 5]
    assert len(outputs) == 2
    assert "the result so far is of type str and is kept. Convert or filter values of other types" in failures[-1][1]


def test_accumulated_value_that_a_function_fails_with_stays() -> None:
    inverse = rs.ops.scan(lambda total, item: total + 1 / (item - total), 0.0)
    outputs, failures = fed(inverse, [2, 0.5, 0.5, 0.5, 1.5])
    assert outputs == [0.5, 1.5]
    assert [at for at, _ in failures] == [1, 2, 3]
    assert "ZeroDivisionError" in failures[-1][1]


@pytest.mark.parametrize(("stride", "expected"), [(3, [[5, 6, 7]]), (1, [[4, 7, 8], [7, 8, 9]])])
def test_sort_that_cannot_compare_fails_with_its_window(stride: int, expected: list[Any]) -> None:
    windows = rs.data.roll(3, stride, [rs.data.sort(), rs.data.to_list()])
    outputs, failures = fed(windows, [1, "x", *range(2, 10)])
    assert outputs == expected
    assert [at for at, _ in failures] == [2, 3] if stride == 3 else [2, 3, 5, 6]


def test_program_without_failures_keeps_no_mark() -> None:
    program = Program(trace(rx.pipe(rs.data.lag(2), rs.ops.pairwise(), rs.ops.distinct_until_changed())))
    fed, state = while_failing(program, NUMBERS, lambda index: None)
    assert not fed.has_removed
    assert [state[held.slot] for held in program.scope.held] == [0, 0, 0]


def test_window_that_cannot_compare_its_values_is_removed_and_names_the_remedy() -> None:
    outputs, failures = fed(rs.data.roll(3, 3, [rs.math.max(reduce=True)]), ["x", *NUMBERS])
    assert outputs == []
    assert [at for at, _ in failures] == [2, 3]
    assert "convert or filter values of other types" in failures[-1][1]
    converted = rs.math.max(lambda i: i if isinstance(i, int) else -1, reduce=True)
    assert fed(rs.data.roll(3, 3, [converted]), ["x", *NUMBERS]) == ([2, 5], [])
