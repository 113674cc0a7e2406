"""A broker inside this process, for the demo: librdkafka's mock cluster."""

from __future__ import annotations

from confluent_kafka import Producer

from makiserve.kafka.connection import NativeLog, report
from makiserve.kafka.errors import to_error

CALL_S = 5.0

OPTIONS = {"session.timeout.ms": "6000"}
"""The options that clients of this broker need. With a longer session, its groups take 44 s to rebalance."""


class EmbeddedBroker:
    """A broker inside this process that other processes can connect to. It ends with this object.

    It proves nothing about exactly-once: read_committed readers see open and aborted records, transactional offsets are
    not stored, and zombies are not fenced. It keeps 5 MiB per partition.

    Attributes:
        bootstrap_servers: the address on which it listens.
    """

    def __init__(self) -> None:
        settings = {"test.mock.num.brokers": 1, "logger": NativeLog(), "error_cb": report}
        self._owner = Producer(settings)
        brokers = self._owner.list_topics(timeout=CALL_S).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def create_topic(self, topic: str) -> int:
        """Create a topic and return its number of partitions: 4, which the mock cluster chooses."""
        with to_error(f"Creating topic {topic}"):
            return len(self._owner.list_topics(topic, CALL_S).topics[topic].partitions)
