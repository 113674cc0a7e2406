"""Types that an operator makes itself can stand in a checkpoint."""

from __future__ import annotations

from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace

ROWS = rs.container.csv.create_line_parser(dtype=[("time", int), ("temperature", float)])


@pytest.mark.parametrize(
    ("pipeline", "items"),
    [
        (rx.pipe(rs.container.csv.load(ROWS, header=False), rs.ops.last()), ["1,-11.45", "2,3"]),
        (rx.pipe(rs.math.dist.update(), rs.math.dist.describe([0.5]), rs.data.lag(1)), [1, 2, 3]),
    ],
    ids=["csv rows", "descriptions"],
)
def test_operators_survive_a_checkpoint(pipeline: Any, items: list[Any]) -> None:
    program = Program(trace(pipeline))
    state = program.new_state()
    program.feed(items, state)
    again = Program(trace(pipeline))
    restored = Checkpoints(again).load(Checkpoints(program).dump(state))
    assert again.complete(restored) == program.complete(state)
    assert Checkpoints(again).dump(restored) == Checkpoints(program).dump(state)
