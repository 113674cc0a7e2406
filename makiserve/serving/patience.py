"""How long a broker that has gone away is waited for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from makiserve.kafka import insist
from makiserve.serving.signals import Stop

T = TypeVar("T")

PATIENCE = timedelta(minutes=5)

CALL = timedelta(seconds=2)
"""How long one call may take: no signal is noticed meanwhile."""


class Patience:
    """Five minutes; while the service is stopping, what is left of the time for the drain.

    Args:
        stop: whether it is.
        alive: called before every attempt: the loop waits, it does not stand still.
    """

    def __init__(self, stop: Stop, alive: Callable[[], None] = lambda: None) -> None:
        self._stop = stop
        self._alive = alive

    def insist(self, call: Callable[[], T]) -> T:
        """Make a call again for as long as it raises RetryCall and the patience lasts.

        Raises:
            BrokerUnavailable: it does not last any more.
        """

        def attempt() -> T:
            self._alive()
            return call()

        return insist(attempt, PATIENCE, self._stop.is_overdue)
