"""librdkafka reports it again and again and goes no further: the service ended, and so did each of its successors."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

from confluent_kafka import Producer

from makiserve.kafka import Connection, InputConsumer, Message, Unreadable
from makiserve.settings import BrokerSettings


def test_each_record_of_it_is_handed_out_as_unreadable_and_what_follows_is_read(
    kafka: str, topic: Callable[..., str]
) -> None:
    name = topic(1)
    large = {"compression.type": "zstd", "message.max.bytes": 1_000_000_000, "linger.ms": 60_000}
    producer = Producer(large | {"bootstrap.servers": kafka, "batch.size": 1_000_000_000})
    for value in (b"before",), (b"x" * 60_000_000, b"x" * 60_000_000), (b"after",):
        for each in value:
            producer.produce(name, each, partition=0)
        assert producer.flush(60) == 0
    consumer = InputConsumer(Connection(BrokerSettings(kafka, uuid.uuid4().hex)), name)
    consumer.subscribe(lambda numbers: dict.fromkeys(numbers, 0), lambda numbers: None, lambda numbers: None)
    found: list[Message] = []
    while len(found) < 4:
        found += consumer.receive(100, timedelta(seconds=1))
    consumer.close()
    assert [message.offset() for message in found] == [0, 1, 2, 3]
    assert [isinstance(message, Unreadable) for message in found] == [False, True, True, False]
