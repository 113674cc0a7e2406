"""Groups that are idle for their ttl are forgotten, and their memory given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


def counting(ttl_ms: int = 100, inner: Any = None) -> Program:
    groups = rs.ops.group_by(
        lambda i: i[0], inner or [rs.ops.count()], ttl=timedelta(milliseconds=ttl_ms), time_mapper=lambda i: i[1]
    )
    return Program(trace(groups))


def test_key_that_returns_after_its_ttl_starts_empty() -> None:
    program = counting()
    items = [("a", 0), ("a", 100), ("a", 201), ("b", 210), ("a", 301), ("a", 402)]
    assert program.feed(items, program.new_state()).outputs == [1, 2, 1, 1, 2, 1]


def test_a_late_item_belongs_to_its_group_and_makes_it_no_younger() -> None:
    program = counting()
    items = [("a", 1000), ("a", 10), ("b", 1090), ("a", 1100), ("a", 1201)]
    assert program.feed(items, program.new_state()).outputs == [1, 2, 1, 3, 1]


def test_forgotten_groups_give_their_memory_back() -> None:
    program = counting()
    state = program.new_state()
    program.feed(((f"key {n}", n) for n in range(10_000)), state)
    full = len(Checkpoints(program).dump(state))
    assert len(next(slot for slot in state if isinstance(slot, dict))) <= 115
    program.feed([("late", 100_000)], state)
    assert len(Checkpoints(program).dump(state)) < full / 10


def test_a_failing_record_forgets_no_group() -> None:
    def fail(item: Any) -> Any:
        return 1 / item

    program = counting(inner=[rs.ops.map(lambda i: i[2]), rs.ops.tee_map(rs.ops.count(), rs.ops.map(fail))])
    state = program.new_state()
    program.feed([("a", 0, 1), ("b", 5, 1)], state)
    before = Checkpoints(program).dump(state)
    for bad in (("a", 500, 0), ("c", 500, 0), ("a", 50, 0)):
        assert program.feed([bad], state).failures
        assert Checkpoints(program).dump(state) == before


@pytest.mark.parametrize(
    "parameters", [{"ttl": timedelta(1)}, {"time_mapper": abs}, {"ttl": timedelta(0), "time_mapper": abs}]
)
def test_a_ttl_needs_a_time(parameters: dict[str, Any]) -> None:
    with pytest.raises(PipelineError, match="ttl"):
        rs.ops.group_by(abs, [rs.ops.count()], **parameters)
