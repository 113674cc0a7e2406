"""Groups complete in the order of their first records, also those that have moved to the row engine."""

from __future__ import annotations

from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.engine.trace import trace

BIG = 2**70


@pytest.mark.parametrize("is_whole", [True, False])
def test_restored_groups_complete_in_the_order_of_their_first_records(*, is_whole: bool) -> None:
    windows = rs.data.roll_time("1ms", "1ms", lambda i: i[1], rs.ops.last())
    program = program_for(trace(rs.ops.group_by(lambda i: i[0], windows)), is_tracked=True)
    assert isinstance(program, ColumnProgram)
    checkpoints, state = ColumnCheckpoints(program), program.new_state()
    items = [("a", 1), ("b", BIG), ("c", 2), ("d", BIG + 1), ("e", BIG + 2), ("f", 3)]
    program.feed(items, state)
    program.catch_up(state)
    assert sorted(state.tables[1].is_foreign[list(state.tables[1].index.values())]) == [False] * 3 + [True] * 3
    blocks: Any = None if is_whole else list(checkpoints.take(state, is_whole=False))
    restored = checkpoints.load(checkpoints.dump(state)) if is_whole else checkpoints.join(blocks)
    assert program.complete(restored) == items
