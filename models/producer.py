"""Code that the `produce` commands share: send messages to a topic at a limited rate."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import KafkaException, Producer

ANSWER_S = 10.0
"""How long to wait for a broker. Without a limit, the messages would wait for one forever."""


class Message(NamedTuple):
    """A message to send."""

    key: bytes
    value: bytes


def run_producer(
    module: str,
    description: str | None,
    messages: Callable[[Path], Iterable[Message]],
    *,
    data: Path,
    topic: str,
    rows_per_s: float,
) -> None:
    """Run the command of a model's producer; `data`, `topic` and `rows_per_s` are the defaults of its options."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, default=data, help=f"the file to send [{data}]")
    parser.add_argument("--topic", default=topic, help=f"the topic to send it to [{topic}]")
    servers = os.environ.get("MAKISERVE_BOOTSTRAP_SERVERS", "localhost:9092")
    parser.add_argument("--bootstrap-servers", default=servers, help=f"the Kafka brokers [{servers}]")
    parser.add_argument("--rows-per-s", type=float, default=rows_per_s, help=f"maximum rate [{rows_per_s:g}]")
    options = parser.parse_args()
    sent = send(messages(options.data), options.topic, options.bootstrap_servers, options.rows_per_s)
    print(f"{options.topic}: {sent:,} messages sent")


def send(messages: Iterable[Message], topic: str, servers: str, rows_per_s: float) -> int:
    """Send messages to a topic at a maximum rate, and return their number.

    Raises:
        SystemExit: no broker answers.
    """
    producer, sent = Producer({"bootstrap.servers": servers}), 0
    try:
        producer.list_topics(timeout=ANSWER_S)
    except KafkaException as error:
        raise SystemExit(
            f"no broker at {servers} answers within {ANSWER_S:g} s: check --bootstrap-servers, or start a Kafka, "
            "python -m makiserve.testing.broker --port 9092"
        ) from error
    began = time.monotonic()
    for message in messages:
        producer.produce(topic, message.value, key=message.key)
        producer.poll(0)
        sent += 1
        time.sleep(max(0.0, began + sent / rows_per_s - time.monotonic()))
    producer.flush()
    return sent
