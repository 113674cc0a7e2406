"""The measurements of a soak test each minute: memory, latency, load of the machine, and its stalls."""

from __future__ import annotations

import os
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType

from confluent_kafka import Consumer

from tests.chaos.fleet import Worker
from tests.chaos.traffic import SENT

MINUTE_S = 60.0
STALL_S = 1.0
"""If a thread wakes up this late, the whole machine has stalled, brokers included."""


class Memory:
    """The workers' memory in megabytes: a figure per process and minute, the first one minute after its start."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], list[tuple[float, float]]] = {}

    def sample(self, workers: list[Worker]) -> None:
        now = time.monotonic()
        for worker in workers:
            seen = self._seen.setdefault((str(worker), worker.process.pid), [])
            if worker.is_running and (not seen or now >= seen[0][0] + len(seen) * MINUTE_S):
                status = Path(f"/proc/{worker.process.pid}/status").read_text()
                kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
                seen.append((now, kilobytes / 1000))

    def lines(self) -> list[str]:
        """Return a line for each process."""
        return [
            f"{worker}, MB, each minute: {' '.join(f'{megabytes:.0f}' for _, megabytes in seen[1:])}"
            for (worker, _), seen in self._seen.items()
            if len(seen) > 1
        ]


class Load:
    """The load of the whole machine from now on: brokers, workers and senders."""

    def __init__(self) -> None:
        self._busy, self._all = _jiffies()

    def line(self) -> str:
        busy, everything = (now - then for now, then in zip(_jiffies(), (self._busy, self._all), strict=True))
        return f"the machine was busy for {busy / everything:.0%} of the time, {os.cpu_count()} cores"


def _jiffies() -> tuple[int, int]:
    user, nice, system, idle, waiting, *more = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    busy = user + nice + system + sum(more[:2])
    return busy, busy + idle + waiting


class LatencyMonitor:
    """Measures the age of committed outputs when they become visible, and stalls of the machine.

    It ends with the context.

    Args:
        topic: the topic of the outputs.
    """

    def __init__(self, servers: str, topic: str) -> None:
        settings = {"group.id": uuid.uuid4().hex, "isolation.level": "read_committed", "auto.offset.reset": "latest"}
        self._consumer = Consumer({"bootstrap.servers": servers, "fetch.wait.max.ms": 20, **settings})
        self._consumer.subscribe([topic])
        self._ages_s: list[list[float]] = []
        self._stalls: list[tuple[int, float]] = []
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._read, self._detect_stalls)]
        self._began = 0.0

    def __enter__(self) -> LatencyMonitor:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()
        self._consumer.close()

    def line(self, what: str, first: int = 0, last: int | None = None) -> str:
        """Return the latencies of the minutes from `first` to before `last`."""
        ages = sorted(age for minute in self._ages_s[first:last] for age in minute)
        if not ages:
            return f"{what}: no output"
        p50, p99 = (ages[int(part * (len(ages) - 1))] for part in (0.5, 0.99))
        return f"{what}: p50 {p50:.3f} s, p99 {p99:.3f} s, at most {ages[-1]:.1f} s, of {len(ages):,} outputs"

    def lines(self) -> list[str]:
        """Return a line for each minute, and one for each stall of the machine."""
        minutes = [self.line(f"minute {number}", number, number + 1) for number in range(len(self._ages_s))]
        stalls = [f"minute {minute}: the machine stalled for {seconds:.1f} s" for minute, seconds in self._stalls]
        return minutes + stalls

    def _minute(self) -> int:
        return int((time.monotonic() - self._began) / MINUTE_S)

    def _read(self) -> None:
        while not self._ends.is_set():
            for message in self._consumer.consume(500, 0.2):
                if message.error() is None:
                    self._ages_s.extend([] for _ in range(len(self._ages_s), self._minute() + 1))
                    self._ages_s[-1].append(time.time() - float(dict(message.headers())[SENT]))

    def _detect_stalls(self) -> None:
        while not self._ends.is_set():
            asleep = time.monotonic()
            time.sleep(0.1)
            if (stalled_s := time.monotonic() - asleep) > STALL_S:
                self._stalls.append((self._minute(), stalled_s))
