"""Retries: pauses that grow, and a log line per change of state instead of one per attempt. Decision 0095."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from makiserve.kafka import retry
from makiserve.serving.signals import Stop

FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0

SUMMARY_S = 60.0
"""How often a persistent failure is logged again."""

OVER_S = 30.0
"""A failure that has not recurred for this long is over: the next one counts as new."""


class Retries:
    """The failed attempts of one operation.

    Args:
        max_pause_s: the maximum pause between two attempts.

    Attributes:
        count: number of attempts in a row that have failed.
        should_log: whether the last failure should be logged: it is the first, or the first for a minute.
    """

    def __init__(self, max_pause_s: float = MAX_PAUSE_S) -> None:
        self.count = 0
        self.should_log = False
        self._max_pause_s = max_pause_s
        self._began_s = self._failed_s = self._log_due_s = 0.0

    @property
    def lasting_s(self) -> float:
        """The seconds from the first failure to the last."""
        return self._failed_s - self._began_s

    def failed(self) -> float:
        """Record a failed attempt; return the seconds to wait before the next one."""
        now = time.monotonic()
        if now > self._failed_s + self._max_pause_s + OVER_S:
            self.count = 0
        if self.count == 0:
            self._began_s = self._log_due_s = now
        self.count, self._failed_s = self.count + 1, now
        self.should_log = now >= self._log_due_s
        if self.should_log:
            self._log_due_s = now + SUMMARY_S
        return self.pause_s

    @property
    def pause_s(self) -> float:
        """The seconds from the last failure to the next attempt."""
        return min(self._max_pause_s, FIRST_PAUSE_S * 2.0 ** min(self.count - 1, 20))

    def succeeded(self) -> None:
        """Record a success; the next failure is the first of a new series."""
        self.count = 0


T = TypeVar("T")

RETRY_TIMEOUT = timedelta(minutes=5)

CALL_TIMEOUT = timedelta(seconds=2)
"""Timeout of one call. Signals are not noticed during a call."""


class RetryPolicy:
    """Retries for five minutes; while the service is stopping, for the rest of the time for the drain.

    Args:
        stop: the request to stop the service.
        alive: called before every attempt, to report that the loop is alive.
    """

    def __init__(self, stop: Stop, alive: Callable[[], None] = lambda: None) -> None:
        self._stop = stop
        self._alive = alive

    def retry(self, call: Callable[[], T]) -> T:
        """Retry a call that raises RetryCall until the time is over; return its result.

        Raises:
            BrokerUnavailable: the time is over.
        """

        def attempt() -> T:
            self._alive()
            return call()

        return retry(attempt, RETRY_TIMEOUT, self._stop.is_overdue)
