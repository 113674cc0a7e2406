"""librdkafka does not get past a batch that cannot be decompressed: the service ended, and so did its successors."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

from makiserve.kafka import Connection, InputConsumer, Message, Unreadable
from makiserve.settings import BrokerSettings
from tests.kafka.unreadable import produce_around_unreadable


def test_records_of_a_damaged_batch_are_unreadable_and_others_read(kafka: str, topic: Callable[..., str]) -> None:
    name = topic(1)
    produce_around_unreadable(kafka, name, b"before", b"after")
    consumer = InputConsumer(Connection(BrokerSettings(kafka, uuid.uuid4().hex)), name)
    consumer.subscribe(lambda numbers: dict.fromkeys(numbers, 0), lambda numbers: None, lambda numbers: None)
    messages: list[Message] = []
    while len(messages) < 4:
        messages += consumer.receive(100, timedelta(seconds=1))
    consumer.close()
    assert [message.offset() for message in messages] == [0, 1, 2, 3]
    assert [isinstance(message, Unreadable) for message in messages] == [False, True, True, False]
