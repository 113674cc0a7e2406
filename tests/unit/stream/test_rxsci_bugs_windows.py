"""Bugs of RxSci's windows, groups and branches, which makiserve does not have."""

from __future__ import annotations

import numpy as np
import pytest
import rx
import rxsci

import makiserve.stream as rs
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.unit.stream.feed import emitted

# RxSci emits the last batch a second time if the items fill their batches exactly, and [] for no item.


def test_a_full_batch_is_emitted_once() -> None:
    assert emitted(rs.data.batch(3), range(6)) == [[0, 1, 2], [3, 4, 5]]
    assert emitted(rs.data.batch(3), []) == []


# In RxSci a late item sets back the latest time of its session, so the next item in order may end the session.


def test_a_late_item_does_not_set_back_the_time_of_a_session() -> None:
    sessions = rs.data.time_split(lambda i: i, inactive_timeout=5, pipeline=[rs.data.to_list()])
    assert emitted(sessions, [1, 5, 2, 8]) == [[1, 5, 2, 8]]


# In RxSci only `True` itself closes a session: a numpy boolean does not.


def test_any_true_value_closes_a_session() -> None:
    numbers = np.array([1, 9, 2])
    closing = rs.data.time_split(lambda i: 0, closing_mapper=lambda i: numbers[i] > 5, pipeline=[rs.data.to_list()])
    assert emitted(closing, range(3)) == [[0, 1], [2]]


# RxSci never frees the index of a group: inside windows, the lists of its store grow with every window.


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


# RxSci's tee_map clears only the last branch's value when a window completes: the next window is paired with it.


def test_no_branch_leaks_into_the_next_window() -> None:
    last_and_large = rs.ops.tee_map(rs.ops.last(), [rs.ops.filter(lambda i: i > 2), rs.ops.count(reduce=True)])
    windows = rs.data.roll(window=2, stride=2, pipeline=last_and_large)
    assert emitted(windows, [1, 2, 3, 4, 5, 6]) == [(2, 0), (4, 2), (6, 2)]


def test_no_branch_leaks_into_another_group() -> None:
    first_and_large = rs.ops.tee_map(rs.ops.first(), rs.ops.filter(lambda i: i > 2), join="zip_longest")
    grouped = emitted(rs.ops.group_by(lambda i: i % 2, first_and_large), [1, 2, 3, 4])
    assert grouped == [(1, None), (2, None), (None, 3), (None, 4)]


# RxSci flushes the windows that are open at the end in the order of its slots, so that a later one may come first.


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
