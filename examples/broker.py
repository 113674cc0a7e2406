"""A broker for the examples: the Kafka in KAFKA_BOOTSTRAP_SERVERS, or librdkafka's mock cluster in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # stubs

from makiserve.kafka import EmbeddedBroker
from makiserve.kafka.embedded import OPTIONS


class Broker:
    """A broker and a producer for it.

    Attributes:
        kind: description of the broker, for the screen.
        servers: its bootstrap servers.
        options: client settings that it requires.
    """

    def __init__(self, kind: str, servers: str, options: dict[str, str]) -> None:
        self.kind, self.servers, self.options = kind, servers, options
        self._producer = Producer(
            {"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
        )

    def send(self, topic: str, values: Iterable[bytes]) -> None:
        """Produce values to partition 0."""
        for value in values:
            self._producer.produce(topic, value, partition=0)
        self._producer.poll(0.02)


@contextmanager
def broker(*topics: str, service_topics: tuple[str, ...] = ()) -> Iterator[Broker]:
    """Yield a broker with these topics, empty.

    Args:
        topics: the input and output topics.
        service_topics: topics that a service normally creates itself, which the mock cluster does not support.
    """
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        admin = AdminClient({"bootstrap.servers": servers})
        for future in admin.create_topics([NewTopic(topic, 1) for topic in topics]).values():
            future.result()
        try:
            yield Broker("the Kafka of KAFKA_BOOTSTRAP_SERVERS", servers, {})
        finally:
            for future in admin.delete_topics([*topics, *service_topics]).values():
                future.result()
        return
    embedded = EmbeddedBroker()
    for topic in (*topics, *service_topics):
        embedded.create_topic(topic)
    yield Broker("librdkafka's mock cluster in this process", embedded.bootstrap_servers, OPTIONS)
