"""Retries: pauses that grow, and a log line per change of state instead of one per attempt. Decision 0095."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from makiserve.kafka import retry
from makiserve.serving.signals import Stop

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0

SUMMARY_S = 60.0
"""How often a trouble that lasts is logged again."""

OVER_S = 30.0
"""A trouble that has not come back for so long is over: the next one is another."""


class Retries:
    """The failed attempts at one thing.

    Args:
        longest_s: the maximum pause between two attempts.

    Attributes:
        count: how many attempts in a row have failed.
        is_news: whether the last failure should be logged: it is the first, or the first for a minute.
    """

    def __init__(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        self.count = 0
        self.is_news = False
        self._longest_s = longest_s
        self._began_s = self._failed_s = self._log_due_s = 0.0

    @property
    def lasting_s(self) -> float:
        """The seconds from the first failure to the last."""
        return self._failed_s - self._began_s

    def failed(self) -> float:
        """Note a failed attempt; return the seconds to wait before the next one."""
        now = time.monotonic()
        if now > self._failed_s + self._longest_s + OVER_S:
            self.count = 0
        if self.count == 0:
            self._began_s = self._log_due_s = now
        self.count, self._failed_s = self.count + 1, now
        self.is_news = now >= self._log_due_s
        if self.is_news:
            self._log_due_s = now + SUMMARY_S
        return self.pause_s

    @property
    def pause_s(self) -> float:
        """The seconds from the last failure to the next attempt."""
        return min(self._longest_s, FIRST_PAUSE_S * 2.0 ** min(self.count - 1, 20))

    def succeeded(self) -> None:
        """Note that the trouble is over; the next failure is the first of another one."""
        self.count = 0


T = TypeVar("T")

PATIENCE = timedelta(minutes=5)

CALL_TIMEOUT = timedelta(seconds=2)
"""How long one call may take: no signal is noticed meanwhile."""


class RetryPolicy:
    """Five minutes; while the service is stopping, what is left of the time for the drain.

    Args:
        stop: whether it is.
        alive: called before every attempt: the loop waits, it does not stand still.
    """

    def __init__(self, stop: Stop, alive: Callable[[], None] = lambda: None) -> None:
        self._stop = stop
        self._alive = alive

    def retry(self, call: Callable[[], T]) -> T:
        """Make a call again for as long as it raises RetryCall and the patience lasts.

        Raises:
            BrokerUnavailable: it does not last any more.
        """

        def attempt() -> T:
            self._alive()
            return call()

        return retry(attempt, PATIENCE, self._stop.is_overdue)
