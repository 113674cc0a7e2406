"""RxSci's tee_map clears only the last branch's value when a window completes: the next window is paired with it."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_no_branch_leaks_into_the_next_window() -> None:
    last_and_large = rs.ops.tee_map(rs.ops.last(), [rs.ops.filter(lambda i: i > 2), rs.ops.count(reduce=True)])
    windows = rs.data.roll(window=2, stride=2, pipeline=last_and_large)
    assert emitted(windows, [1, 2, 3, 4, 5, 6]) == [(2, 0), (4, 2), (6, 2)]


def test_no_branch_leaks_into_another_group() -> None:
    first_and_large = rs.ops.tee_map(rs.ops.first(), rs.ops.filter(lambda i: i > 2), join="zip_longest")
    grouped = emitted(rs.ops.group_by(lambda i: i % 2, first_and_large), [1, 2, 3, 4])
    assert grouped == [(1, None), (2, None), (None, 3), (None, 4)]
