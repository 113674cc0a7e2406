"""SIGTERM and Ctrl-C: the first asks for a drain, the second ends at once."""

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
"""How long a drain waits for a broker that does not answer."""


BATCH_S = 120.0
"""How long a drain waits for the batch that is being scored: as long as a liveness probe does."""


class Stop:
    """Whether the service has been asked to stop, and for how long that is known."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def asked(self) -> bool:
        """Whether to drain and end."""
        return self._since is not None

    def ask(self) -> None:
        """Ask for a drain."""
        self._since = time.monotonic()

    def is_overdue(self) -> bool:
        """Whether the time for the drain is over."""
        return self._since is not None and time.monotonic() > self._since + DRAIN_S

    def batch_left_s(self) -> float:
        """The seconds for which a batch is still waited for; infinite without a stop."""
        return math.inf if self._since is None else self._since + BATCH_S - time.monotonic()


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """A `Stop` that SIGTERM and SIGINT set; the second signal raises KeyboardInterrupt."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.ask()
        logger.info("%s: draining; once more ends at once", signal.Signals(number).name)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
