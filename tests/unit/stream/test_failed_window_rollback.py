"""A record stayed in a window whose completion failed."""

from __future__ import annotations

from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.errors import OperatorError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.unit.stream.feed import dump_without_marks


def never_negative(item: float) -> float:
    if item < 0:
        raise ValueError("on purpose")
    return item


ROLLS = [
    lambda: rs.data.roll(2, 2, [rs.math.sum(reduce=True)]),
    lambda: rs.data.roll(4, 2, [rs.math.sum(reduce=True)]),
    lambda: rs.data.roll(2, 2, [rs.ops.scan(lambda total, i: total + i, 0, reduce=True)]),
    lambda: rs.data.roll(2, 2, [rs.ops.group_by(lambda i: 0, [rs.math.sum(reduce=True)])]),
    lambda: rs.data.roll(2, 2, [rs.ops.scan(lambda total, i: i, 0, terminator=lambda total: total)]),
]
PARTS = [
    lambda: rs.data.time_split(lambda i: i, 2, pipeline=[rs.math.sum(reduce=True)]),
    lambda: rs.data.split(lambda i: i > 2, [rs.math.sum(reduce=True)]),
    lambda: rs.data.time_split(
        lambda i: abs(i), closing_mapper=lambda i: i < 0, pipeline=[rs.ops.scan(lambda a, i: a + i, 0, reduce=True)]
    ),
]
ITEMS = (1, -5, 2, -9, 3, 1, -7, 4, 2, 8, -60, 1)


def program_of(windows: Any) -> Program:
    return Program(trace(rx.pipe(windows(), rs.ops.map(never_negative), rs.ops.count(reduce=True))))


@pytest.mark.parametrize("windows", ROLLS)
def test_a_record_that_closes_a_window_leaves_no_trace(windows: Any) -> None:
    program = program_of(windows)
    state, failed = program.new_state(), 0
    for item in ITEMS:
        before = dump_without_marks(program, state)
        failures = program.feed([item], state).failures
        assert not failures or dump_without_marks(program, state) == before
        failed += len(failures)
    assert failed


@pytest.mark.parametrize("windows", PARTS)
def test_a_part_that_cannot_complete_fails_one_record(windows: Any) -> None:
    program = program_of(windows)
    empty = Checkpoints(program).dump(program.new_state())
    state, failed = program.new_state(), 0
    for item in ITEMS:
        for _, error in program.feed([item], state).failures:
            assert isinstance(error, OperatorError)
            assert error.has_trace
            assert Checkpoints(program).dump(state) == empty
            failed += 1
    assert failed
