"""The workers: processes of the service as an operator starts them, and what befalls them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests.chaos.model import SLOW

ROOT = Path(__file__).resolve().parents[2]

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
    """One process of the service.

    Attributes:
        name: its --instance; empty for one without a name.
        log: the file that its log goes to.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self, *sabotage: str) -> Worker:
        """Start it, with what `sabotage.apply` is to do to it."""
        python, *_, arguments = self.command[0], self.command[3:]
        command = [python, "-m", "tests.chaos.sabotage", *sabotage, "--", *arguments] if sabotage else self.command
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=log, stdout=log)
        return self

    @property
    def text(self) -> str:
        """What all its lives have logged."""
        return self.log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.is_running:
            self.process.send_signal(number)

    def end(self, number: signal.Signals, patience: float = 60) -> int:
        """Send it a signal that ends it, and wait for the end. Its exit code.

        One that does not end writes down where it hangs, and that is a worker's bug.
        """
        self.signal(number)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            return self.process.wait()

    def __str__(self) -> str:
        return self.log.stem


class Fleet:
    """The workers of one service. As a context manager it kills them at the end.

    Args:
        arguments: model, topics, group, as the command takes them.
        servers: each worker gets the next of these; some lead by the proxies.
        slow: the file that makes predictions slow while it is there.
        tracking: where the model's alias is.
        options: of librdkafka, for all workers.
    """

    def __init__(
        self,
        arguments: list[str],
        servers: list[str],
        directory: Path,
        slow: Path,
        tracking: str,
        options: tuple[str, ...] = OPTIONS,
    ) -> None:
        self.workers: list[Worker] = []
        self.ended: list[tuple[str, int]] = []
        self.slow = slow
        self._arguments = arguments
        self._servers = servers
        self._directory = directory
        self._tracking = tracking
        self._options = options
        self._count = 0

    def add(self, name: str = "") -> Worker:
        """One more worker."""
        servers = self._servers[self._count % len(self._servers)]
        self._count += 1
        command = [sys.executable, "-m", "makiserve", *self._arguments, "--bootstrap-servers", servers]
        command += [part for option in self._options for part in ("--kafka", option)]
        command += ["--instance", name] if name else []
        own = {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", SLOW: str(self.slow)}
        environment = os.environ | own | {"MLFLOW_TRACKING_URI": self._tracking}
        log = self._directory / f"worker-{name or f'unnamed-{self._count}'}.log"
        worker = Worker(name, command, environment, log).start()
        self.workers.append(worker)
        return worker

    def remove(self, worker: Worker, how: signal.Signals = signal.SIGTERM) -> int:
        """One worker less; its exit code."""
        self.workers.remove(worker)
        code = worker.end(how)
        self.ended.append((str(worker), code))
        return code

    def restart_ended(self) -> list[str]:
        """Start what has ended by itself, as whatever runs the service in production would; what it was."""
        found = []
        for worker in [each for each in self.workers if not each.is_running]:
            code = worker.process.returncode
            self.ended.append((str(worker), code))
            found.append(f"{worker} had ended with {code}: {_last_line(worker.log)}")
            worker.start()
        return found

    def unexpected(self) -> list[str]:
        """Exit codes that no fault may cause, and what looks like a bug in the logs."""
        found = [f"{name} ended with {code}" for name, code in self.ended if code not in EXPECTED_CODES]
        for log in sorted(self._directory.glob("worker-*.log")):
            text = log.read_text(errors="replace")
            found += [f"{log.name}: {word}" for word in ("Traceback", "this is a bug") if word in text]
        return found

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else ""
