"""RxSci deletes the state of every operator after a failed item: the sum that follows starts again from 0, silently."""

from __future__ import annotations

from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.feed import emitted


@loop_over(
    ("after", "expected"),
    [
        (lambda: rs.math.sum(reduce=True), [1.75]),
        (lambda: rs.ops.count(), [1, 2, 3]),
        (lambda: rs.ops.pairwise(), [(1.0, 0.5), (0.5, 0.25)]),
        (lambda: rs.ops.take(2), [1.0, 0.5]),
        (lambda: rs.ops.start_with([9]), [9, 1.0, 0.5, 0.25]),
        (lambda: rs.ops.distinct(lambda i: i < 1), [1.0, 0.5]),
    ],
)
def test_a_failed_item_resets_nothing_downstream(after: Any, expected: list[Any]) -> None:
    assert emitted(rx.pipe(rs.ops.map(lambda i: 1 / i), rs.error.ignore(), after()), [1, 0, 2, 4]) == expected


@pytest.mark.parametrize(
    "nest",
    [
        lambda inner: rs.data.roll(3, 1, inner),
        lambda inner: rs.ops.group_by(lambda i: 0, inner),
    ],
)
def test_a_failed_item_ends_no_window_or_group(nest: Any) -> None:
    """In RxSci an error that meets an open window or group is fatal, even if an operator after it ignores errors."""
    program = Program(trace(nest([rs.ops.map(lambda i: 1 / i), rs.math.sum(reduce=True)])))
    state = program.new_state()
    fed = program.feed([1, 0, 2, 4], state)
    assert [index for index, _ in fed.failures] == [1]
    assert [*fed.outputs, *program.complete(state)][0] == 1.75


def test_key_that_cannot_be_computed_does_not_end_the_stream() -> None:
    program = Program(trace(rs.ops.group_by(lambda i: 12 % i, [rs.ops.count()])))
    fed = program.feed([5, 0, 5], program.new_state())
    assert fed.outputs == [1, 2]
    assert [index for index, _ in fed.failures] == [1]
