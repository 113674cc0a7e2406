"""RxSci flushes the windows that are open at the end in the order of its slots, so that a later one may come first."""

from __future__ import annotations

import rx
import rxsci

import makiserve.stream as rs
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.unit.stream.feed import emitted


def test_open_windows_are_flushed_oldest_first() -> None:
    oldest_first = [[1, 2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9, 10], [7, 8, 9, 10], [10]]
    assert emitted(rs.data.roll(7, 3, [rs.data.to_list()]), range(1, 11)) == oldest_first
    theirs: list[list[int]] = []
    rolling = rxsci.data.roll(7, 3, rx.pipe(rxsci.data.to_list()))
    rx.from_(range(1, 11)).pipe(rxsci.state.with_memory_store(rolling)).subscribe(theirs.append)
    assert theirs == [*oldest_first[:2], *reversed(oldest_first[2:])]


def test_a_lane_emits_no_window_that_is_not_full() -> None:
    program = Program(trace(rs.data.roll(7, 3, [rs.data.to_list()])))
    assert len(program.feed(range(1, 11), program.new_state()).outputs) == 2
