"""`python -m tests.chaos.soak --minutes 30`: steady traffic, restarts of a broker and of all workers, the oracle.

It reports the workers' memory, the time from sending a record to its committed output, and whether outputs were lost,
duplicated or changed. The report is also written to `soak.txt` in its folder.
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
from tests.chaos.gauges import LatencyMonitor, Load, Memory
from tests.chaos.model import Registry, log_forest
from tests.chaos.oracle import verify
from tests.chaos.rounds import RoundRunner

EVERY_S = 10.0
STEP_S = 0.25
"""Few large transactions: on one machine, transactions cost the brokers more than records."""
BROKERS = {
    "broker.session.timeout.ms": "9000",
    "broker.heartbeat.interval.ms": "2000",
    "replica.lag.time.max.ms": "30000",
    "group.initial.rebalance.delay.ms": "3000",
}
"""Kafka's defaults. With the short timeouts of our tests, three brokers on a busy machine lose their sessions."""


class Soak(Campaign):
    """Traffic without rounds. A broker restarts after a third of the time, the workers after two thirds."""

    def soak(self, minutes: float) -> bool:
        """Run the soak test; return whether the oracle accepts the result."""
        self.directory.mkdir(parents=True, exist_ok=True)
        log_forest(self.directory / "mlflow", versions=1)
        registry, memory = Registry(self.directory / "mlflow"), Memory()
        third = minutes * 60 / 3
        with ExitStack() as stack:
            arena, direct = self._open(stack, registry, is_watching=False)
            runner = RoundRunner(arena, direct, GROUP, TOPICS, self.partitions, list(self.only))
            stack.callback(runner.close)
            runner.warm_up()
            latency = stack.enter_context(LatencyMonitor(direct, TOPICS[1]))
            arena.traffic.resume()
            began, load = time.monotonic(), Load()
            restarted = _watch(arena, memory, began + third)
            _restart_broker(arena)
            restarted += _watch(arena, memory, began + 2 * third)
            restarted += _restart_workers(arena, memory)
            restarted += _watch(arena, memory, began + 3 * third)
            busy = load.line()
            arena.traffic.pause()
            verdict = verify(
                direct,
                registry.paths,
                GROUP,
                TOPICS,
                self.partitions,
                self.directory / "replay",
                arena.fork_server.call,
                arena.past,
            )
            unexpected = arena.fleet.unexpected()
            lines = (
                f"{minutes:g} minutes, {self.partitions * self.rate} records a second",
                busy,
                latency.line("before the restarts, without the first minute", 1, int(minutes / 3)),
                latency.line("the whole run"),
                *latency.lines(),
                *memory.lines(),
                *restarted,
                str(verdict),
                *(f"WRONG: {problem}" for problem in unexpected),
            )
        (self.directory / "soak.txt").write_text("".join(f"{line}\n" for line in lines))
        print("\n".join(lines))  # noqa: T201
        return bool(verdict) and not unexpected


def _watch(arena: Arena, memory: Memory, until: float) -> list[str]:
    """Sample the memory until then; return lines about the workers that had exited and were restarted."""
    restarted: list[str] = []
    while time.monotonic() < until:
        memory.sample(arena.fleet.workers)
        restarted += arena.fleet.restart_ended()
        time.sleep(min(EVERY_S, max(0.0, until - time.monotonic())))
    return restarted


def _restart_broker(arena: Arena) -> None:
    node = arena.server.nodes[0]
    node.terminate()
    node.join(timeout=15)
    time.sleep(5)
    node.start()


def _restart_workers(arena: Arena, memory: Memory) -> list[str]:
    restarted: list[str] = []
    for worker in arena.fleet.workers:
        arena.fleet.end(worker, signal.SIGTERM)
        worker.start()
        restarted += _watch(arena, memory, time.monotonic() + 30)
    return restarted


def main() -> int:
    """Run the soak test; return 0 if nothing was lost, duplicated or changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=int, default=300, help="records per second and partition")
    parser.add_argument("--report", type=Path, help="an empty folder for logs")
    options = parser.parse_args()
    now = datetime.now(tz=timezone.utc).strftime("%Y%m%d-%H%M%S")
    soak = Soak(
        (options.report or REPORTS / f"{now}-soak").resolve(),
        0,
        1,
        workers=2,
        rate=options.rate,
        only=("stop_broker",),
        step_s=STEP_S,
        options=(),
        brokers=BROKERS,
    )
    return 0 if soak.soak(options.minutes) else 1


if __name__ == "__main__":
    sys.exit(main())
