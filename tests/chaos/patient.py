"""A small service that dies again and again: its topics, its lives, its verdict."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import create_topic
from tests.chaos.nursery import TIMEOUT_S, Life, Nursery
from tests.chaos.oracle import Verdict, verify
from tests.chaos.traffic import Sender

PARTITIONS = 2
MOST_RECORDS = 5_000
"""A verdict replays everything that a patient was sent: with more, another patient comes."""


class Patient:
    """A service of two partitions whose state grows from life to life.

    Args:
        directory: for the files of the oracle.
    """

    def __init__(self, nursery: Nursery, servers: str, model: str, directory: Path) -> None:
        self._nursery = nursery
        self._servers = servers
        self._model = model
        self._directory = directory
        name = f"patient-{uuid.uuid4().hex[:8]}"
        self._topics = (name, f"{name}.scores", f"{name}.scores.dead-letters")
        admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        for topic in self._topics:
            create_topic(admin, topic, PARTITIONS)
        self._sent = 0
        self._senders = [Sender(servers, name, number, name) for number in range(PARTITIONS)]
        self.send()

    @property
    def is_old(self) -> bool:
        """Whether its verdicts have become slow."""
        return self._sent > MOST_RECORDS

    def send(self, count: int = 60) -> None:
        """More records in each partition."""
        self._sent += count * PARTITIONS
        for sender in self._senders:
            sender.send(count)
            sender.flush()

    def live(self, *sabotage: str) -> Life:
        """The service's next life."""
        arguments = ["--model", self._model, "--bootstrap-servers", self._servers, "--group", self._topics[0]]
        arguments += ["--input", self._topics[0], "--output", self._topics[1], "--instance", "patient"]
        return self._nursery.start([*arguments, "--commit-interval", "50ms"], ["frequent_checkpoints", *sabotage])

    def die(self, *sabotage: str, timeout_s: float = TIMEOUT_S) -> Life:
        """Run a life under traffic until its sabotage ends it."""
        life = self.live(*sabotage)
        deadline = time.monotonic() + timeout_s
        while life.code is None:
            assert time.monotonic() < deadline, f"{sabotage} was not reached:\n{life.text}"
            self.send(20)
            time.sleep(0.05)
        return life

    def verdict(self) -> Verdict:
        """The oracle's, on all lives so far; the service must be running."""
        return verify(
            self._servers,
            {"1": self._model},
            self._topics[0],
            self._topics,
            PARTITIONS,
            self._directory,
            self._nursery.call,
        )
