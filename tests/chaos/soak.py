"""`python -m tests.chaos.soak --minutes 30`: steady traffic, a broker's and a rolling restart, and the oracle.

It tells how much memory the workers hold from their start to their end, how long records took, from their sending to
their committed output, and whether anything was lost, doubled or changed. The same stands in `soak.txt` of its folder.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from tests.chaos.__main__ import REPORTS
from tests.chaos.arena import Arena
from tests.chaos.campaign import GROUP, TOPICS, Campaign
from tests.chaos.gauges import Clock, Load, Memory
from tests.chaos.model import Registry, log_forest
from tests.chaos.oracle import verify
from tests.chaos.rounds import Referee

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
            clock = stack.enter_context(Clock(direct, TOPICS[1]))
            arena.traffic.flow()
            began, load = time.monotonic(), Load()
            restarted = _watch(arena, memory, began + third)
            _restart_broker(arena)
            restarted += _watch(arena, memory, began + 2 * third)
            restarted += _restart_workers(arena, memory)
            restarted += _watch(arena, memory, began + 3 * third)
            busy = load.line()
            arena.traffic.rest()
            verdict = verify(
                direct,
                registry.paths,
                GROUP,
                TOPICS,
                self.partitions,
                self.directory / "replay",
                arena.nursery.call,
                arena.past,
            )
            unexpected = arena.fleet.unexpected()
            lines = (
                f"{minutes:g} minutes, {self.partitions * self.rate} records a second",
                busy,
                clock.line("before the restarts, without the first minute", 1, int(minutes / 3)),
                clock.line("all of it"),
                *clock.lines(),
                *memory.lines(),
                *restarted,
                str(verdict),
                *(f"WRONG: {problem}" for problem in unexpected),
            )
        (self.directory / "soak.txt").write_text("".join(f"{line}\n" for line in lines))
        print("\n".join(lines))  # noqa: T201
        return bool(verdict) and not unexpected


def _watch(arena: Arena, memory: Memory, until: float) -> list[str]:
    """Look at the memory until then; workers that ended by themselves, and were started again."""
    ended: list[str] = []
    while time.monotonic() < until:
        memory.look(arena.fleet.workers)
        ended += arena.fleet.restart_ended()
        time.sleep(min(EVERY_S, max(0.0, until - time.monotonic())))
    return ended


def _restart_broker(arena: Arena) -> None:
    node = arena.server.nodes[0]
    node.terminate()
    node.join(timeout=15)
    time.sleep(5)
    node.start()


def _restart_workers(arena: Arena, memory: Memory) -> list[str]:
    ended: list[str] = []
    for worker in arena.fleet.workers:
        arena.fleet.end(worker, signal.SIGTERM)
        worker.start()
        ended += _watch(arena, memory, time.monotonic() + 30)
    return ended


def main() -> int:
    """Soak; 0 when nothing was lost, doubled or changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=int, default=300, help="records per second and partition")
    parser.add_argument("--report", type=Path, help="an empty folder for logs")
    given = parser.parse_args()
    now = datetime.now(tz=timezone.utc).strftime("%Y%m%d-%H%M%S")
    soak = Soak(
        (given.report or REPORTS / f"{now}-soak").resolve(),
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
