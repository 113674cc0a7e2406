"""`python -m tests.chaos.soak --minutes 30`: steady traffic, a broker's and a rolling restart, and the oracle.

It tells how much memory the workers hold from their start to their end, how long records took, from their sending to
their committed output, and whether anything was lost, doubled or changed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from confluent_kafka import Consumer

from tests.chaos.__main__ import REPORTS
from tests.chaos.arena import Arena
from tests.chaos.campaign import GROUP, TOPICS, Campaign
from tests.chaos.fleet import Worker
from tests.chaos.model import Registry, log_forest
from tests.chaos.oracle import verify
from tests.chaos.rounds import Referee
from tests.chaos.traffic import SENT

EVERY_S = 10.0
STEP_S = 0.25
"""The brokers of one machine are kept busy by transactions rather than by records."""
BROKERS = {
    "broker.session.timeout.ms": "9000",
    "broker.heartbeat.interval.ms": "2000",
    "replica.lag.time.max.ms": "30000",
    "group.initial.rebalance.delay.ms": "3000",
}
"""Kafka's defaults: the short ones of our tests make three brokers on a busy machine fall out with each other."""
SETTLED_S = 120.0
"""After this time a worker has all that it needs: what it holds more later on, it has kept."""


@dataclass
class Memory:
    """What the workers hold: for each process, when it was looked at, and megabytes."""

    seen: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=dict)

    def look(self, workers: list[Worker]) -> None:
        for worker in workers:
            if worker.is_running:
                status = Path(f"/proc/{worker.process.pid}/status").read_text()
                kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
                self.seen.setdefault((str(worker), worker.process.pid), []).append((time.monotonic(), kilobytes / 1000))

    def lines(self) -> list[str]:
        """A line a process: megabytes two minutes after its start, and at its end."""
        found = []
        for (worker, _), looks in self.seen.items():
            settled = [megabytes for at, megabytes in looks if at > looks[0][0] + SETTLED_S]
            if settled:
                minutes = (looks[-1][0] - looks[0][0]) / 60
                found.append(
                    f"{worker}: {settled[0]:.0f} MB after two minutes, {settled[-1]:.0f} MB after {minutes:.0f}"
                )
        return found


class Load:
    """How busy the machine is from now on: brokers, workers, senders, all of it."""

    def __init__(self) -> None:
        self._busy, self._all = _jiffies()

    def line(self) -> str:
        busy, everything = (now - then for now, then in zip(_jiffies(), (self._busy, self._all), strict=True))
        return f"the machine was busy for {busy / everything:.0%} of the time, {os.cpu_count()} cores"


def _jiffies() -> tuple[int, int]:
    user, nice, system, idle, waiting, *more = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    busy = user + nice + system + sum(more[:2])
    return busy, busy + idle + waiting


class Clock:
    """Reads the committed outputs as they become visible, and tells how old each is. As a context manager it ends."""

    def __init__(self, servers: str) -> None:
        own = {"group.id": uuid.uuid4().hex, "isolation.level": "read_committed", "auto.offset.reset": "latest"}
        self._consumer = Consumer({"bootstrap.servers": servers, "fetch.wait.max.ms": 20, **own})
        self._consumer.subscribe([TOPICS[1]])
        self.ages_s: list[tuple[float, float]] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Clock:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._ends.is_set():
            for message in self._consumer.consume(500, 0.2):
                if message.error() is None:
                    sent = float(dict(message.headers())[SENT])
                    self.ages_s.append((time.monotonic(), time.time() - sent))

    def line(self, what: str, since: float, until: float) -> str:
        ages = sorted(age for at, age in self.ages_s if since <= at < until)
        p50, p99 = (ages[int(part * (len(ages) - 1))] for part in (0.5, 0.99))
        return f"{what}: p50 {p50:.3f} s, p99 {p99:.3f} s, at most {ages[-1]:.1f} s, of {len(ages):,} outputs"


class Soak(Campaign):
    """Traffic without rounds: after a third of the time a broker is restarted, after two thirds each worker."""

    def soak(self, minutes: float) -> bool:
        """Whether the service kept its promises."""
        self.directory.mkdir(parents=True, exist_ok=True)
        log_forest(self.directory / "mlflow", versions=1)
        registry, memory = Registry(self.directory / "mlflow"), Memory()
        third = minutes * 60 / 3
        with ExitStack() as stack:
            arena, direct = self._open(stack, registry, is_watching=False)
            referee = Referee(arena, direct, GROUP, TOPICS, self.partitions, list(self.only))
            stack.callback(referee.close)
            referee.warm_up()
            clock = stack.enter_context(Clock(direct))
            arena.traffic.flow()
            began, load = time.monotonic(), Load()
            _watch(arena, memory, began + third)
            _restart_broker(arena)
            _watch(arena, memory, began + 2 * third)
            _restart_workers(arena, memory)
            _watch(arena, memory, began + 3 * third)
            busy = load.line()
            arena.traffic.rest()
            verdict = verify(direct, registry.paths, GROUP, TOPICS, self.partitions, self.directory / "replay")
            unexpected = arena.fleet.unexpected()
            rate = len(clock.ages_s) / (time.monotonic() - began)
            for line in (
                f"{minutes:g} minutes, {self.partitions * self.rate} records and {rate:.0f} outputs a second",
                busy,
                clock.line("undisturbed", began + third / 4, began + third),
                clock.line("with the restarts", began, began + 3 * third),
                *memory.lines(),
                str(verdict),
                *(f"WRONG: {problem}" for problem in unexpected),
            ):
                print(line, flush=True)  # noqa: T201
        return bool(verdict) and not unexpected


def _watch(arena: Arena, memory: Memory, until: float) -> None:
    while time.monotonic() < until:
        memory.look(arena.fleet.workers)
        for line in arena.fleet.restart_ended():
            print(line, flush=True)  # noqa: T201
        time.sleep(min(EVERY_S, max(0.0, until - time.monotonic())))


def _restart_broker(arena: Arena) -> None:
    node = arena.server.nodes[0]
    node.terminate()
    node.join(timeout=15)
    time.sleep(5)
    node.start()


def _restart_workers(arena: Arena, memory: Memory) -> None:
    for worker in arena.fleet.workers:
        worker.end(signal.SIGTERM)
        worker.start()
        _watch(arena, memory, time.monotonic() + 30)


def main() -> int:
    """Soak; 0 when nothing was lost, doubled or changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=int, default=300, help="records per second and partition")
    parser.add_argument("--report", type=Path, help="an empty folder for logs")
    given = parser.parse_args()
    now = datetime.now(tz=timezone.utc).strftime("%Y%m%d-%H%M%S")
    soak = Soak(
        given.report or REPORTS / f"{now}-soak",
        0,
        1,
        workers=2,
        rate=given.rate,
        only=("stop_broker",),
        step_s=STEP_S,
        options=(),
        brokers=BROKERS,
    )
    return 0 if soak.soak(given.minutes) else 1


if __name__ == "__main__":
    sys.exit(main())
