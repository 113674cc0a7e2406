"""The size of state: by operator, by key, and that nothing leaks."""

from __future__ import annotations

import makiserve.stream as rs
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


def test_state_is_sized_by_operator_and_key() -> None:
    program = Program(trace(rs.ops.group_by(lambda i: i % 50, [rs.math.stddev(), rs.ops.count()])))
    checkpoints, state = Checkpoints(program), program.new_state()
    program.feed(range(1000), state)
    sizes = checkpoints.sizes(state)
    assert sizes["group_by"].keys == 50
    assert sizes["group_by > stddev"].size_bytes / 50 < 45  # a count and three floats
    assert sizes["group_by > count"].size_bytes == 50
    assert sum(size.size_bytes for size in sizes.values()) < len(checkpoints.dump(state))


def test_sizes_of_all_groups_are_estimated_from_some() -> None:
    program = Program(trace(rs.ops.group_by(lambda i: i % 1000, [rs.data.roll(4, 2, rs.math.sum(reduce=True))])))
    checkpoints, state = Checkpoints(program), program.new_state()
    program.feed(range(1000, 6000), state)
    exact, estimated = checkpoints.sizes(state), checkpoints.sizes(state, sample=50)
    assert estimated["group_by"].keys == exact["group_by"].keys == 1000
    assert estimated.keys() == exact.keys()
    for owner, size in exact.items():
        assert abs(estimated[owner].size_bytes - size.size_bytes) <= 0.1 * size.size_bytes


def test_groups_inside_windows_go_with_their_window() -> None:
    """In RxSci the index of a group is never freed: 2,000 states after 10,000 items."""
    program = Program(trace(rs.data.roll(10, 10, rs.ops.group_by(lambda i: i % 2, [rs.math.sum(reduce=True)]))))
    checkpoints, state = Checkpoints(program), program.new_state()
    program.feed(range(15), state)
    early = len(checkpoints.dump(state))
    program.feed(range(15, 10_005), state)
    assert len(checkpoints.dump(state)) <= early + 20
    assert checkpoints.sizes(state)["roll(window=10, stride=10) > group_by"].keys == 2
