"""SIGTERM and Ctrl-C: the first signal starts a drain, the second one ends the process at once."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)


DRAIN_S = 8.0
"""How long a drain waits for a broker that does not respond."""


BATCH_S = 120.0
"""How long a drain waits for the batch that is being scored: as long as a liveness probe does."""


class Stop:
    """A request to stop, and the time since it was made."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def is_requested(self) -> bool:
        """Return whether a stop has been requested."""
        return self._since is not None

    def request(self) -> None:
        """Request a drain."""
        self._since = time.monotonic()

    def is_overdue(self) -> bool:
        """Return whether the time for the drain is over."""
        return self._since is not None and time.monotonic() > self._since + DRAIN_S

    def batch_left_s(self) -> float:
        """Return the seconds left to wait for a batch; infinite if no stop is requested."""
        return math.inf if self._since is None else self._since + BATCH_S - time.monotonic()


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Provide a `Stop` that SIGTERM and SIGINT request; a second signal raises KeyboardInterrupt."""
    stop = Stop()

    def request_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_requested:
            raise KeyboardInterrupt
        stop.request()
        logger.info("%s: draining; send it again to end at once", signal.Signals(number).name)

    before = {number: signal.signal(number, request_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
