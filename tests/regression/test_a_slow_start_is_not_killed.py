"""A start of more than two minutes was called dead, like a loop that stands still: its probe had it killed.

A startup probe did not help: it asks the same page, which was well at first, and so it was over at once.
"""

from __future__ import annotations

from datetime import timedelta

from makiserve.monitoring.health import health

SLOW = timedelta(minutes=4)


def test_a_slow_start_is_not_killed() -> None:
    assert health(None, 0.0, SLOW.total_seconds()).is_good
