"""How long a partition gives no output: its arrivals, watched all the time."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from types import TracebackType
from typing import NamedTuple

from tests.chaos.oracle import Log

GRACE_S = 0.5
"""What was committed just before a fault arrives after it."""


class Mark(NamedTuple):
    """A fault, and when it was."""

    what: str
    at: float


class Silence:
    """Watches the output in a thread of its own. As a context manager it ends with the block."""

    def __init__(self, servers: str, output: str, partitions: int) -> None:
        self._log = Log(servers, output, partitions)
        self._arrivals: dict[int, list[float]] = {number: [] for number in range(partitions)}
        self._marks: list[Mark] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="silence", daemon=True)

    def begin(self, what: str) -> None:
        """A fault happens now that silences partitions."""
        self._marks.append(Mark(what, time.monotonic()))

    def measured(self) -> list[tuple[str, float]]:
        """For each fault since the last call the seconds until the last partition gave outputs again."""
        marks, self._marks = self._marks, []
        arrivals, self._arrivals = self._arrivals, {number: [] for number in self._arrivals}
        return [(mark.what, max(longest(times, mark.at) for times in arrivals.values())) for mark in marks]

    def __enter__(self) -> Silence:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()
        self._log.close()

    def _watch(self) -> None:
        while not self._ends.is_set():
            for number in {number for number, _ in self._log.poll(0.1)}:
                self._arrivals[number].append(time.monotonic())
            for entries in self._log.entries.values():
                entries.clear()


def longest(arrivals: list[float], since: float) -> float:
    """The end of the longest gap that begins before or with the fault, in seconds after it."""
    gaps = [(later - earlier, later) for earlier, later in pairwise(arrivals) if later > since]
    caused = [(gap, later) for gap, later in gaps if later - gap <= since + GRACE_S]
    return max(caused)[1] - since if caused else 0.0
