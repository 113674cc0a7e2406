"""The workers: processes of the service, and what befalls them.

They are forked from a process that has imported everything. A start from nothing takes ten seconds, and minutes on a
busy machine: most of a round would be waiting.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.nursery import Life, Nursery

OPTIONS = (
    "session.timeout.ms=4000",
    "heartbeat.interval.ms=500",
    "max.poll.interval.ms=8000",
    "transaction.timeout.ms=8000",
)
"""Short, so that a fault and its healing fit into a round; a soak has those of production."""

EXPECTED_CODES = {0, 4, -signal.SIGKILL, -signal.SIGTERM}
"""How a worker may end under faults: drained, the broker was away for too long or another one took over, killed, ended
before it had begun to serve."""


@dataclass
class Worker:
    """One instance of the service, and its lives.

    Attributes:
        name: its --instance; empty for one without a name.
        arguments: of the command.
        log: the file that the logs of all lives go to.
    """

    name: str
    arguments: list[str]
    log: Path
    nursery: Nursery
    life: Life = field(init=False)

    def start(self, *sabotage: str) -> Worker:
        """Start it, with what `sabotage.apply` is to do to it."""
        self.life = self.nursery.start(self.arguments, sabotage, self.log)
        return self

    @property
    def text(self) -> str:
        """What all its lives have logged."""
        return self.log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self.life.code is None

    def __str__(self) -> str:
        return self.log.stem


class Fleet:
    """The workers of one service. They end with their nursery.

    Args:
        nursery: forks them.
        arguments: model, topics, group, as the command takes them.
        servers: each worker gets the next of these; some lead by the proxies.
        directory: for their logs.
        slow: the file that makes predictions slow while it is there.
        options: of librdkafka, for all workers.

    Attributes:
        ended: name and exit code of each life that has ended.
    """

    def __init__(
        self,
        nursery: Nursery,
        arguments: list[str],
        servers: list[str],
        directory: Path,
        slow: Path,
        options: tuple[str, ...] = OPTIONS,
    ) -> None:
        self.workers: list[Worker] = []
        self.ended: list[tuple[str, int]] = []
        self.slow = slow
        self._nursery = nursery
        self._arguments = arguments
        self._servers = servers
        self._directory = directory
        self._options = options
        self._count = 0

    def add(self, name: str = "") -> Worker:
        """One more worker."""
        servers = self._servers[self._count % len(self._servers)]
        self._count += 1
        arguments = [*self._arguments, "--bootstrap-servers", servers]
        arguments += [part for option in self._options for part in ("--kafka", option)]
        arguments += ["--instance", name] if name else []
        log = self._directory / f"worker-{name or f'unnamed-{self._count}'}.log"
        worker = Worker(name, arguments, log, self._nursery).start()
        self.workers.append(worker)
        return worker

    def end(self, worker: Worker, how: signal.Signals) -> int:
        """Send a worker a signal that ends it, and return its exit code."""
        code = worker.life.end(how)
        self.ended.append((str(worker), code))
        return code

    def remove(self, worker: Worker, how: signal.Signals = signal.SIGTERM) -> int:
        """End a worker for the rest of the campaign, and return its exit code."""
        self.workers.remove(worker)
        return self.end(worker, how)

    def restart_ended(self) -> list[str]:
        """Start what has ended by itself, as whatever runs the service in production would; what it was."""
        restarted = []
        for worker in [worker for worker in self.workers if not worker.is_running]:
            code = worker.life.wait()
            self.ended.append((str(worker), code))
            restarted.append(f"{worker} had ended with {code}: {_last_line(worker.log)}")
            worker.start()
        return restarted

    def unexpected(self) -> list[str]:
        """Exit codes that no fault may cause, and what looks like a bug in the logs."""
        problems = [f"{name} ended with {code}" for name, code in self.ended if code not in EXPECTED_CODES]
        for log in sorted(self._directory.glob("worker-*.log")):
            text = log.read_text(errors="replace")
            problems += [f"{log.name}: {word}" for word in ("Traceback", "this is a bug") if word in text]
        return problems


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else ""
