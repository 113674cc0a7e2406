"""The contract of operators, where functions around them fail at any call: the second push of a record, or the third.

Beside `test_contract`: there each third record fails, at its first call, and nothing is remembered downstream.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.unit.stream.cases import NUMBERS, each_pipeline
from tests.unit.stream.feed import while_failing


class Fuse:
    """A function that fails at one call of its own choice."""

    def __init__(self) -> None:
        self.calls_left = 0

    def __call__(self, item: Any) -> Any:
        self.calls_left -= 1
        if self.calls_left == 0:
            raise ZeroDivisionError("on purpose")
        return item


def counted(inner: Any, fuse: Fuse) -> Any:
    """Count the operator's outputs before and after a function that fails."""
    return rx.pipe(inner, rs.ops.count(), rs.ops.map(fuse), rs.ops.count(reduce=True))


def joined(inner: Any, fuse: Fuse) -> Any:
    """Count its outputs alongside a function that fails."""
    return rx.pipe(inner, rs.ops.tee_map(rs.ops.count(), rx.pipe(rs.ops.map(fuse), rs.ops.count())))


def beside(inner: Any, fuse: Fuse) -> Any:
    """A function fails in the branches before and after it."""
    return rs.ops.tee_map(rs.ops.map(fuse), inner, rs.ops.map(fuse), join="merge")


def latest(inner: Any, fuse: Fuse) -> Any:
    """Keep its outputs, as text that a checkpoint can hold, before a function fails in another branch."""
    emitted = rx.pipe(inner, rs.ops.map(repr))
    return rs.ops.tee_map(rs.ops.identity(), emitted, rs.ops.map(fuse), join="combine_latest")


@pytest.mark.slow
@each_pipeline
def test_a_failure_at_any_call_leaves_no_trace(make: Any) -> None:
    for place in (counted, joined, beside, latest):
        check_failures(lambda fuse, place=place: place(make(), fuse))


def check_failures(pipeline: Any) -> None:
    chance, fuse = random.Random(1), Fuse()
    calls = [chance.choice([0, 0, 1, 2, 3]) for _ in NUMBERS]

    def arm(index: int) -> None:
        fuse.calls_left = calls[index]

    program = Program(trace(pipeline(fuse)))
    fed, _ = while_failing(program, NUMBERS, arm)
    assert {index for index, call in enumerate(calls) if not call} <= set(fed.accepted)
    if fed.has_removed:  # what it emits then depends on what is gone; see test_failed_windows and test_group_idle
        assert while_failing(program, NUMBERS, arm, is_cut=True)[0] == fed
        return
    expected, _ = while_failing(program, [NUMBERS[at] for at in fed.accepted], lambda _: setattr(fuse, "calls_left", 0))
    assert fed.outputs == expected.outputs
    assert fed.state == expected.state
