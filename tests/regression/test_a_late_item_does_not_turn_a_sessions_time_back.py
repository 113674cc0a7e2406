"""In RxSci a late item sets the session's latest time back, so that the next one in order may end the session."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_a_late_item_does_not_set_back_the_time_of_a_session() -> None:
    sessions = rs.data.time_split(lambda i: i, inactive_timeout=5, pipeline=[rs.data.to_list()])
    assert emitted(sessions, [1, 5, 2, 8]) == [[1, 5, 2, 8]]
