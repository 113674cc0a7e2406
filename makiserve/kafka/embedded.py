"""A broker inside this process, for the demo: librdkafka's mock cluster."""

from __future__ import annotations

from confluent_kafka import Producer

from makiserve.kafka.connection import NativeLog, report
from makiserve.kafka.errors import to_error

CALL_S = 5.0

OPTIONS = {"session.timeout.ms": "6000"}
"""What clients of this broker need: with more, its groups take 44 s to rebalance."""


class EmbeddedBroker:
    """It speaks the protocol, other processes may connect, and it ends with this object.

    It proves nothing about exactly-once: open and aborted records are visible to read_committed readers, offsets of a
    transaction are not stored, zombies are not fenced. It keeps 5 MiB a partition.

    Attributes:
        bootstrap_servers: where it listens.
    """

    def __init__(self) -> None:
        settings = {"test.mock.num.brokers": 1, "logger": NativeLog(), "error_cb": report}
        self._owner = Producer(settings)
        brokers = self._owner.list_topics(timeout=CALL_S).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def create_topic(self, topic: str) -> int:
        """Creates a topic, and gives the number of its partitions: the mock cluster's choice, 4."""
        with to_error(f"Creating topic {topic}"):
            return len(self._owner.list_topics(topic, CALL_S).topics[topic].partitions)
