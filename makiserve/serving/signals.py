"""SIGTERM and Ctrl-C: the first asks for a drain, the second ends at once."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)


class Stop:
    """Whether the service has been asked to stop."""

    asked = False


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """A `Stop` that SIGTERM and SIGINT set; the second signal raises KeyboardInterrupt."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        logger.info("%s: draining; once more ends at once", signal.Signals(number).name)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
