"""RxSci never frees the index of a group: inside windows, the lists of its store grow with every window."""

from __future__ import annotations

import pytest

import makiserve.stream as rs
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


@pytest.mark.parametrize(("window", "stride"), [(10, 10), (10, 3), (3, 10)])
def test_groups_end_with_their_window(window: int, stride: int) -> None:
    pipeline = rs.data.roll(window, stride, rs.ops.group_by(lambda i: i % 2, [rs.ops.count(reduce=True)]))
    program = Program(trace(pipeline))
    checkpoints = Checkpoints(program)
    state = program.new_state()
    sizes = []
    for start in range(0, 3000, 30):  # a whole number of windows and strides: the same windows are open
        program.feed(range(start, start + 30), state)
        sizes.append(len(checkpoints.dump(state)))
    assert max(sizes[1:]) <= sizes[1] + 4  # the position's own digits
