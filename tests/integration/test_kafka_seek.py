"""A partition was assigned at its end, then moved to its start: a late answer about the end replaced the start."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from confluent_kafka import Producer

from makiserve.kafka import Connection, InputConsumer
from makiserve.settings import BrokerSettings

PARTITIONS, RECORDS, ROUNDS = 8, 100, 25


def ignore(numbers: list[int]) -> None:
    pass


def firsts(kafka: str, topic: str, starts: dict[int, int]) -> dict[int | None, int | None]:
    """Return the offset of the first record that a new consumer gets from each partition."""
    consumer = InputConsumer(Connection(BrokerSettings(kafka, uuid.uuid4().hex)), topic)
    consumer.subscribe(lambda numbers: {number: starts[number] for number in numbers}, ignore, ignore)
    offsets: dict[int | None, int | None] = {}
    deadline = time.monotonic() + 20
    while len(offsets) < len(starts):
        assert time.monotonic() < deadline, f"of {starts} only {offsets}"
        for record in consumer.receive(1000, timedelta(milliseconds=20)):
            offsets.setdefault(record.partition(), record.offset())
    consumer.close()
    return offsets


@pytest.mark.slow
def test_every_partition_starts_at_its_assigned_offset(kafka: str, topic: Callable[..., str]) -> None:
    name, chance = topic(PARTITIONS), random.Random(1)
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for number in range(PARTITIONS * RECORDS):
        producer.produce(name, b"", partition=number % PARTITIONS)
    producer.flush()
    for _ in range(ROUNDS):
        starts = {number: chance.randrange(RECORDS) for number in range(PARTITIONS)}
        assert firsts(kafka, name, starts) == starts
