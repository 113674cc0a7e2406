"""Measures for how long partitions have no output after a fault."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from types import TracebackType
from typing import NamedTuple

from tests.chaos.oracle import Log

GRACE_S = 0.5
"""An output that was committed just before a fault may arrive this much after it."""


class FaultTime(NamedTuple):
    """A fault and its time, on the monotonic clock."""

    fault: str
    at_s: float


class OutputGaps:
    """Watches the output in a separate thread, which ends with the context."""

    def __init__(self, servers: str, output: str, partitions: int) -> None:
        self._log = Log(servers, output, partitions)
        self._arrivals: dict[int, list[float]] = {number: [] for number in range(partitions)}
        self._faults: list[FaultTime] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="output-gaps", daemon=True)

    def mark_fault(self, fault: str) -> None:
        """Record that a fault happens now that stops the output of partitions."""
        self._faults.append(FaultTime(fault, time.monotonic()))

    def measured(self) -> list[tuple[str, float]]:
        """Return each fault since the last call, with the seconds until the last partition had outputs again."""
        faults, self._faults = self._faults, []
        arrivals, self._arrivals = self._arrivals, {number: [] for number in self._arrivals}
        return [(fault, max(recovery_s(times, at_s) for times in arrivals.values())) for fault, at_s in faults]

    def __enter__(self) -> OutputGaps:
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


def recovery_s(arrivals: list[float], fault_s: float) -> float:
    """Return the seconds from a fault to the end of the longest gap that it can have caused; 0 without a gap."""
    gaps = [(later - earlier, later) for earlier, later in pairwise(arrivals) if later > fault_s]
    caused = [(gap, later) for gap, later in gaps if later - gap <= fault_s + GRACE_S]
    return max(caused)[1] - fault_s if caused else 0.0
