"""The workers: processes of the service.

They are forked from a process that has imported everything. A cold start takes ten seconds, and minutes on a busy
machine: most of a round would be waiting.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.fork_server import ForkServer
from tests.chaos.service_process import ServiceProcess

OPTIONS = (
    "session.timeout.ms=4000",
    "heartbeat.interval.ms=500",
    "max.poll.interval.ms=8000",
    "transaction.timeout.ms=8000",
)
"""Short timeouts, so that a fault and its recovery fit into a round. A soak test uses those of production."""

EXPECTED_CODES = {0, 4, -signal.SIGKILL, -signal.SIGTERM}
"""Exit codes of a worker under faults: it has drained; the broker was unavailable for too long, or another worker took
over; it was killed; it was ended before it served."""


@dataclass
class Worker:
    """One instance of the service, over all of its processes.

    Attributes:
        name: its --instance; empty for a worker without a name.
        arguments: the arguments of the command.
        log: the log file of all of its processes.
    """

    name: str
    arguments: list[str]
    log: Path
    fork_server: ForkServer
    process: ServiceProcess = field(init=False)

    def start(self, *sabotage: str) -> Worker:
        """Start a process, with the sabotage that `sabotage.apply` applies to it."""
        self.process = self.fork_server.start(self.arguments, sabotage, self.log)
        return self

    @property
    def text(self) -> str:
        """The log of all of its processes."""
        return self.log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self.process.code is None

    def __str__(self) -> str:
        return self.log.stem


class Fleet:
    """The workers of one service. They end with their fork server.

    Args:
        fork_server: starts their processes.
        arguments: model, topics and group, as the command takes them.
        servers: the workers' bootstrap servers in turn, directly or through the proxies.
        directory: for their logs.
        slow: the file that slows down predictions while it exists.
        options: librdkafka's options for all workers.

    Attributes:
        ended: name and exit code of each process that has ended.
    """

    def __init__(
        self,
        fork_server: ForkServer,
        arguments: list[str],
        servers: list[str],
        directory: Path,
        slow: Path,
        options: tuple[str, ...] = OPTIONS,
    ) -> None:
        self.workers: list[Worker] = []
        self.ended: list[tuple[str, int]] = []
        self.slow = slow
        self._fork_server = fork_server
        self._arguments = arguments
        self._servers = servers
        self._directory = directory
        self._options = options
        self._count = 0

    def add(self, name: str = "") -> Worker:
        """Add a worker and start it."""
        servers = self._servers[self._count % len(self._servers)]
        self._count += 1
        arguments = [*self._arguments, "--bootstrap-servers", servers]
        arguments += [part for option in self._options for part in ("--kafka", option)]
        arguments += ["--instance", name] if name else []
        log = self._directory / f"worker-{name or f'unnamed-{self._count}'}.log"
        worker = Worker(name, arguments, log, self._fork_server).start()
        self.workers.append(worker)
        return worker

    def end(self, worker: Worker, how: signal.Signals) -> int:
        """Send a worker a signal that ends it, and return its exit code."""
        code = worker.process.end(how)
        self.ended.append((str(worker), code))
        return code

    def remove(self, worker: Worker, how: signal.Signals = signal.SIGTERM) -> int:
        """End a worker for the rest of the campaign, and return its exit code."""
        self.workers.remove(worker)
        return self.end(worker, how)

    def restart_ended(self) -> list[str]:
        """Restart the workers that have exited, as a supervisor does in production; return a line about each."""
        restarted = []
        for worker in [worker for worker in self.workers if not worker.is_running]:
            code = worker.process.wait()
            self.ended.append((str(worker), code))
            restarted.append(f"{worker} had exited with {code}: {_last_line(worker.log)}")
            worker.start()
        return restarted

    def unexpected(self) -> list[str]:
        """Return the exit codes that no fault may cause, and the signs of bugs in the logs."""
        problems = [f"{name} exited with {code}" for name, code in self.ended if code not in EXPECTED_CODES]
        for log in sorted(self._directory.glob("worker-*.log")):
            text = log.read_text(errors="replace")
            problems += [f"{log.name}: {word}" for word in ("Traceback", "this is a bug") if word in text]
        return problems


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else ""
