"""A service with a window for each of many keys, and the topics that it uses."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.serving.process import Process
from benchmarks.serving.shops import WINDOW
from makiserve.testing.broker import create_topic

PARTITIONS = 4
SAVED_S = 15
"""A state topic that has not grown for this long is complete: checkpoints are spread over commits."""

TIMEOUT_S = 180


class ManyKeys:
    """The topics of a service, and their records.

    Args:
        servers: the broker.
        folder: where the services write their logs.
        name: begins the names of the topics.
        keys: the number of keys.
    """

    def __init__(self, servers: str, folder: Path, name: str, keys: int) -> None:
        self.keys, self.input, self.output, self.state = (
            keys,
            f"{name}.in",
            f"{name}.out",
            f"makiserve.{name}.out.state",
        )
        self._servers, self._folder, self._name = servers, folder, name
        admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        for topic in (self.input, self.output):
            create_topic(admin, topic, PARTITIONS)

    def service(self, name: str) -> Process:
        """Return an instance of the service, which starts when it is entered."""
        command = [sys.executable, "-m", "makiserve", "--features", "benchmarks.serving.shops:features"]
        command += ["--input", self.input, "--output", self.output, "--bootstrap-servers", self._servers]
        return Process([*command, "--http", "127.0.0.1:0"], self._folder / f"{self._name}.{name}.log")

    def producer(self) -> Producer:
        """Return a producer."""
        settings = {"bootstrap.servers": self._servers, "enable.idempotence": True, "linger.ms": 5}
        return Producer(settings | {"queue.buffering.max.messages": 10_000_000})

    def produce(self, producer: Producer, number: int) -> None:
        """Produce the record of a number: the keys take turns."""
        key = number % self.keys
        value = b'{"shop": %d, "amount": %d.5}' % (key, number % 97)
        producer.produce(self.input, value, partition=key % PARTITIONS)

    def fill(self, process: Process) -> None:
        """Fill the window of each key, and wait until the state has been saved."""
        producer = self.producer()
        for number in range(self.keys * WINDOW):
            self.produce(producer, number)
        producer.flush()
        wait(process, lambda: self._end(self.output) >= self.keys)
        size, since = -1, time.monotonic()
        while time.monotonic() < since + SAVED_S:
            process.check()
            if (end := self._end(self.state)) != size:
                size, since = end, time.monotonic()
            time.sleep(0.5)

    def reader(self, topic: str, start: int, **settings: object) -> Consumer:
        """Return a consumer of the committed records of a topic."""
        reader = Consumer(
            {"bootstrap.servers": self._servers, "group.id": "reader", "isolation.level": "read_committed", **settings}
        )
        reader.assign([TopicPartition(topic, number, start) for number in range(PARTITIONS)])
        return reader

    def _end(self, topic: str) -> int:
        """Return the number of offsets of a topic, over its partitions."""
        reader = Consumer({"bootstrap.servers": self._servers, "group.id": "ends"})
        ends = [reader.get_watermark_offsets(TopicPartition(topic, number))[1] for number in range(PARTITIONS)]
        reader.close()
        return sum(ends)


def wait(process: Process, is_done: Callable[[], bool]) -> None:
    """Wait until something is so.

    Raises:
        RuntimeError: the process has exited, or it takes too long.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while not is_done():
        process.check()
        if time.monotonic() > deadline:
            raise RuntimeError(process.log.read_text()[-3000:])
        time.sleep(0.1)
