"""A small service that is killed and restarted many times, with its topics and its verdict."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import create_topic
from tests.chaos.fork_server import ForkServer
from tests.chaos.oracle import Verdict, verify
from tests.chaos.service_process import TIMEOUT_S, ServiceProcess
from tests.chaos.traffic import Sender

PARTITIONS = 2
MAX_RECORDS = 5_000
"""A verdict replays all records that a service has received. Tests use a new service after this many."""


class CrashingService:
    """A service of two partitions whose state grows from one process to the next.

    Args:
        directory: for the files of the oracle.
    """

    def __init__(self, fork_server: ForkServer, servers: str, model: str, directory: Path) -> None:
        self._fork_server = fork_server
        self._servers = servers
        self._model = model
        self._directory = directory
        name = f"crashing-{uuid.uuid4().hex[:8]}"
        self._topics = (name, f"{name}.scores", f"{name}.scores.dead-letters")
        admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        for topic in self._topics:
            create_topic(admin, topic, PARTITIONS)
        self._sent = 0
        self._senders = [Sender(servers, name, number, name) for number in range(PARTITIONS)]
        self.send()

    @property
    def is_used_up(self) -> bool:
        """Return whether its verdicts have become slow, because it has received many records."""
        return self._sent > MAX_RECORDS

    def send(self, count: int = 60) -> None:
        """Send this many more records to each partition."""
        self._sent += count * PARTITIONS
        for sender in self._senders:
            sender.send(count)
            sender.flush()

    def start(self, *sabotage: str) -> ServiceProcess:
        """Start a process of the service."""
        arguments = ["--model", self._model, "--bootstrap-servers", self._servers, "--group", self._topics[0]]
        arguments += ["--input", self._topics[0], "--output", self._topics[1], "--instance", "crashing"]
        return self._fork_server.start([*arguments, "--commit-interval", "50ms"], ["frequent_checkpoints", *sabotage])

    def run_until_crash(self, *sabotage: str, timeout_s: float = TIMEOUT_S) -> ServiceProcess:
        """Run a process under traffic until its sabotage ends it."""
        process = self.start(*sabotage)
        deadline = time.monotonic() + timeout_s
        while process.code is None:
            assert time.monotonic() < deadline, f"{sabotage} was not reached:\n{process.text}"
            self.send(20)
            time.sleep(0.05)
        return process

    def verdict(self) -> Verdict:
        """Return the oracle's verdict on all processes so far; the service must be running."""
        return verify(
            self._servers,
            {"1": self._model},
            self._topics[0],
            self._topics,
            PARTITIONS,
            self._directory,
            self._fork_server.call,
        )
