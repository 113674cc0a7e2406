"""A broker for the demo: the one in KAFKA_BOOTSTRAP_SERVERS, or librdkafka's mock cluster in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # stubs

from makiserve.kafka import EmbeddedBroker
from makiserve.kafka.embedded import OPTIONS


class Broker:
    """Where to send to, and how.

    Attributes:
        kind: what it is, in words.
        servers: its address.
        options: what clients of it need to be told.
    """

    def __init__(self, kind: str, servers: str, options: dict[str, str]) -> None:
        self.kind, self.servers, self.options = kind, servers, options
        self._producer = Producer(
            {"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
        )

    def send(self, topic: str, values: Iterable[bytes]) -> None:
        """Produce values to one partition, which is one lane."""
        for value in values:
            self._producer.produce(topic, value, partition=0)
        self._producer.poll(0.02)


@contextmanager
def broker(*topics: str, own: tuple[str, ...] = ()) -> Iterator[Broker]:
    """A broker on which these topics exist, and are empty.

    Args:
        topics: what is read and written.
        own: those that a service creates itself, where it can: the mock cluster has no call for it.
    """
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        admin = AdminClient({"bootstrap.servers": servers})
        for future in admin.create_topics([NewTopic(topic, 1) for topic in topics]).values():
            future.result()
        try:
            yield Broker("the Kafka of KAFKA_BOOTSTRAP_SERVERS", servers, {})
        finally:
            for future in admin.delete_topics([*topics, *own]).values():
                future.result()
        return
    embedded = EmbeddedBroker()
    for topic in (*topics, *own):
        embedded.create_topic(topic)
    yield Broker("librdkafka's mock cluster, in this process,", embedded.bootstrap_servers, OPTIONS)
