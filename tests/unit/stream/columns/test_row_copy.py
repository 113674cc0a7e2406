"""Small batches: the row engine computes them on a copy, and the columns catch up."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import SmallBatches
from makiserve.stream.columns.state import LaneState
from makiserve.stream.engine.program import FeedResult, Program
from makiserve.stream.engine.trace import trace

SMALL = SmallBatches(records=4, pending=10, groups=5)


def running_sums() -> Any:
    return rs.ops.group_by(lambda i: i % 1000, [rs.ops.map(lambda i: 100 // (i - 7) and i), rs.math.sum()])


def with_small_batches(pipeline: Any, small: SmallBatches = SMALL) -> ColumnProgram:
    program = program_for(trace(pipeline), is_tracked=True)
    assert isinstance(program, ColumnProgram)
    return ColumnProgram(program.plan, program.compiled, program.rows, small)


def comparable(fed: FeedResult) -> Any:
    return list(fed.outputs), fed.causes, [(index, str(error)) for index, error in fed.failures]


def pending(state: LaneState) -> list[Any] | None:
    return None if state.copy is None else state.copy.pending


def test_columns_process_small_batches_when_enough_records_are_pending() -> None:
    program = with_small_batches(running_sums())
    state = program.new_state()
    assert program.feed([1, 2, 1], state).outputs == [1, 2, 2]
    assert pending(state) == [1, 2, 1]
    assert not len(state.tables[1])
    for batch in ([1, 2, 3], [1, 2, 1]):
        program.feed(batch, state)
    assert len(pending(state) or []) == 9
    assert program.feed([1], state).outputs == [6]
    assert pending(state) == []
    assert len(state.tables[1]) == 3


def test_large_batch_continues_where_small_ones_ended() -> None:
    program = with_small_batches(running_sums())
    state = program.new_state()
    program.feed([1, 2], state)
    assert program.feed([1, 1, 2, 2, 3], state).outputs == [2, 3, 4, 6, 3]
    assert state.copy is None
    assert program.feed([1], state).outputs == [4]


def test_failed_record_of_a_small_batch_is_not_pending() -> None:
    program = with_small_batches(running_sums())
    state = program.new_state()
    fed = program.feed([1, 7, 2], state)
    assert fed.causes == [0, 2]
    assert [index for index, _ in fed.failures] == [1]
    assert pending(state) == [1, 2]


def test_checkpoint_holds_the_records_of_small_batches() -> None:
    program = with_small_batches(running_sums())
    checkpoints, state = ColumnCheckpoints(program), program.new_state()
    program.feed([1, 2], state)
    restored = checkpoints.load(checkpoints.dump(state))
    assert program.feed([1, 2], restored).outputs == [2, 4]
    program.feed([1, 2], state)
    blocks = list(checkpoints.take(state, is_whole=False))
    assert sorted(key for block in blocks for key in checkpoints.keys(block)) == [1, 2]
    assert program.feed([1, 2], checkpoints.join(blocks)).outputs == [3, 6]


def test_group_used_by_a_small_batch_between_blocks_is_in_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("makiserve.stream.columns.checkpoint.BLOCK", 1)
    program = with_small_batches(running_sums())
    checkpoints, state = ColumnCheckpoints(program), program.new_state()
    program.feed([1, 2, 3], state)
    taking = checkpoints.take(state, is_whole=False)
    blocks = [next(taking)]
    program.feed([3], state)
    blocks += taking
    assert program.feed([3], checkpoints.join(blocks)).outputs == [9]
    assert not list(checkpoints.take(state, is_whole=False))


def test_lane_keeps_only_some_copies() -> None:
    program = with_small_batches(running_sums())
    state = program.new_state()
    for batch in ([1, 2, 3], [4, 5, 6], [8, 9, 10], [11]):
        program.feed(batch, state)
    assert state.copy is None
    assert program.feed([1, 11], state).outputs == [2, 22]
    assert state.copy is not None
    assert state.copy.groups == 2


def test_columns_compute_small_batches_that_use_many_groups() -> None:
    small = SMALL._replace(pending=100, groups=100, free=3, copies=1, pause=2)
    program = with_small_batches(running_sums(), small)
    state = program.new_state()
    program.feed(range(10, 40), state)
    totals = {key: key for key in range(10, 40)}
    copies, start = [], 10
    for _ in range(6):
        batch = range(start, start + 3)
        assert program.feed(batch, state).outputs == [totals[key] + key for key in batch]
        totals |= {key: totals[key] + key for key in batch}
        copies.append(state.copy is not None)
        start += 3
    assert copies == [True, False, False, False, True, False]


def test_row_engine_computes_small_batches_of_a_plan_that_never_calls_a_function() -> None:
    mean = rs.data.roll(20, 1, rs.ops.tee_map(rs.ops.last(), rs.math.mean(lambda i: i * 2.0, reduce=True)))
    program = program_for(trace([rs.ops.filter(lambda i: i > 0), rs.ops.group_by(lambda i: i % 3, mean)]))
    assert isinstance(program, ColumnProgram)
    state = program.new_state()
    for _ in range(2):
        for batch in ([1], [2], range(1000)):  # small batches between large ones, as in a backlog
            program.feed(batch, state)
            assert state.copy is None
    for batch in ([1], [2], [1, 2]):
        program.feed(batch, state)
    assert pending(state) == [1, 2]


BIG = 2**70


@pytest.mark.parametrize("pipeline", [running_sums, lambda: rx.pipe(rs.ops.map(lambda i: i), rs.math.sum())])
def test_small_batches_of_groups_that_arrays_cannot_hold_give_the_same(pipeline: Any) -> None:
    program, rows = with_small_batches(pipeline()), Program(trace(pipeline()))
    state, other = program.new_state(), rows.new_state()
    batches = [[*range(10, 16)], [BIG, 11], [BIG, 12], [*range(10, 16), BIG], [BIG, 11, 12], [13]]
    for batch in batches * 3:
        assert comparable(program.feed(batch, state)) == comparable(rows.feed(batch, other))


def test_lane_is_freed_with_its_last_reference() -> None:
    program = with_small_batches(rs.ops.group_by(lambda i: i % 3, rs.data.roll(3, 1, rs.math.sum(reduce=True))))
    state = program.new_state()
    program.feed(range(10), state)
    program.feed([1, 2], state)
    table = weakref.ref(state.tables[1])
    del state
    assert table() is None
