"""A service in a separate process, and its outputs."""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from tests.chaos.fork_server import ForkServer

ROOT = Path(__file__).resolve().parents[3]

START_S = 600
"""Maximum time for a service to start or to stop on a busy machine."""


def wait_until(condition: Callable[[], bool], otherwise: Callable[[], object]) -> None:
    """Wait until a condition is true.

    Raises:
        AssertionError: the condition is still false after `START_S`; the message is the result of `otherwise`.
    """
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


@cache
def fork_server() -> ForkServer:
    """Return the process that forks the services of this run: each would import MLflow for seconds otherwise."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(ForkServer(Path(stack.enter_context(TemporaryDirectory(prefix="services-")))))


@dataclass
class Service:
    """`makiserve --model …` in a separate process. Leaving the context kills it.

    It is forked from a process that has imported everything. `test_start_up` and the tests of pages start the command
    as an operator does.

    Attributes:
        model: URI of the model, or `module:function` for a pipeline without a model.
    """

    model: str
    kafka: str
    input: str
    output: str
    tracking_uri: str
    options: list[str] = field(default_factory=list)

    def start(self) -> Service:
        option = "--model" if "/" in self.model else "--features"
        arguments = [option, self.model, "--bootstrap-servers", self.kafka]
        arguments += ["--input", self.input, "--output", self.output, *self.options]
        environment = os.environ | {"MLFLOW_TRACKING_URI": self.tracking_uri, "PYTHONPATH": str(ROOT)}
        self.process = fork_server().start(arguments, environment=environment)
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal, and return the exit code and the log."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        return self.process.wait(START_S), self.process.text

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.end(signal.SIGKILL)
        sys.stderr.write(self.process.text)  # shown with a failed test


def traceparent(number: int) -> bytes:
    """Return the value of the `traceparent` header of a record."""
    return f"00-{number + 1:032x}-{number + 1:016x}-01".encode()


def send(
    kafka: str, topic: str, values: Iterable[bytes], *, partition: int = 0, pause: Callable[[], float] | None = None
) -> None:
    """Produce values to one partition, with keys and headers by number; `pause` returns the seconds between two."""
    producer = Producer(
        {"bootstrap.servers": kafka, "enable.idempotence": True, "linger.ms": 0, "message.max.bytes": 5_000_000}
    )
    for number, value in enumerate(values):
        producer.produce(
            topic, value, key=f"k{number}".encode(), partition=partition, timestamp=1_700_000_000_000 + number,
            headers=[("traceparent", traceparent(number))],
        )  # fmt: skip
        producer.poll(0)
        if pause and (seconds := pause()):
            producer.flush()
            time.sleep(seconds)
    assert producer.flush(30) == 0


def read(kafka: str, topic: str, *, enough: int | None = None, timeout: float = START_S) -> dict[int, list[Message]]:
    """Return all committed messages by partition, up to the end; wait until there are at least `enough`."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": uuid.uuid4().hex,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
            "fetch.message.max.bytes": 5_000_000,
        }
    )
    deadline = time.monotonic() + timeout
    while not (partitions := consumer.list_topics(topic, timeout=10).topics[topic].partitions):
        assert time.monotonic() < deadline, f"{topic} is not created"
        time.sleep(0.1)
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    messages: dict[int, list[Message]] = {number: [] for number in partitions}
    ended: set[int] = set()
    while len(ended) < len(partitions) or sum(map(len, messages.values())) < (enough or 0):
        assert time.monotonic() < deadline, f"{topic}: {sum(map(len, messages.values()))} messages, expected {enough}"
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
        else:
            ended.discard(message.partition())
            messages[message.partition()].append(message)
    consumer.close()
    return messages


def predictions(messages: Iterable[Message]) -> list[Any]:
    return [json.loads(message.value())["prediction"] for message in messages]


def sources(messages: Iterable[Message]) -> list[int]:
    """Return the offsets of the records that caused the outputs."""
    return [int(dict(message.headers())["makiserve.source"].decode().rpartition("@")[2]) for message in messages]
