"""The latency of records while the partitions of many keys move to another instance and back."""

from __future__ import annotations

import statistics
import threading
import time
from itertools import count
from pathlib import Path

from confluent_kafka import OFFSET_END

from benchmarks.serving.many_keys import ManyKeys
from benchmarks.serving.process import Process

KEYS = 100_000
RATE = 1_000
STEADY_S = 15.0
SETTLED_MS = 1_000
"""The partitions have moved when no output has taken longer than this for `STEADY_S`."""

TIMEOUT_S = 120


def measure(servers: str, folder: Path, scale: float) -> None:
    """Start a service with many keys, then a second instance, stop that one, and print the latencies of each phase."""
    keys = ManyKeys(servers, folder, "moving", int(KEYS * scale))
    print(f"\n{keys.keys:,} keys move between two instances, {RATE:,} records/s\n")
    print("| | outputs | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|")
    with keys.service("first") as first:
        keys.fill(first)
        with _Load(keys) as load:
            _print("steady", load.settle(first))
            with keys.service("second") as second:
                _print("to a second instance", load.settle(second, minimum_s=STEADY_S))
            _print("back", load.settle(first))


def _print(phase: str, latencies_ms: list[float]) -> None:
    cuts = statistics.quantiles(latencies_ms, n=100)
    print(f"| {phase} | {len(latencies_ms):,} | {cuts[49]:.0f} | {cuts[98]:.0f} | {max(latencies_ms):.0f} |")


class _Load:
    """A steady load, and the latencies: from the timestamp of a record until a reader receives its output."""

    def __init__(self, keys: ManyKeys) -> None:
        self._keys, self._stop = keys, threading.Event()
        self._latencies_ms: list[tuple[float, float]] = []
        self._threads = [threading.Thread(target=target) for target in (self._produce, self._read)]

    def __enter__(self) -> _Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def settle(self, process: Process, minimum_s: float = 0.0) -> list[float]:
        """Wait until the outputs come steadily, and return the latencies until then in milliseconds."""
        first, begin = len(self._latencies_ms), time.monotonic()
        late = begin + minimum_s
        while time.monotonic() < late + STEADY_S:
            process.check()
            if time.monotonic() > begin + TIMEOUT_S:
                raise RuntimeError(process.log.read_text()[-3000:])
            time.sleep(0.2)
            recent = self._latencies_ms[-RATE // 2 :]
            if not recent or time.monotonic() - recent[-1][0] > 1 or max(ms for _, ms in recent) > SETTLED_MS:
                late = max(late, time.monotonic())
        return [ms for _, ms in self._latencies_ms[first:]]

    def _produce(self) -> None:
        producer, start = self._keys.producer(), time.monotonic()
        for number in count():
            self._keys.produce(producer, number)
            if number % 10 == 0:
                producer.poll(0)
                if self._stop.wait(max(0.0, start + number / RATE - time.monotonic())):
                    break
        producer.flush()

    def _read(self) -> None:
        reader = self._keys.reader(self._keys.output, OFFSET_END, **{"fetch.wait.max.ms": 5})
        while not self._stop.is_set():
            messages = reader.consume(10_000, 0.01)
            now = time.time()
            self._latencies_ms += [(time.monotonic(), now * 1e3 - message.timestamp()[1]) for message in messages]
        reader.close()
