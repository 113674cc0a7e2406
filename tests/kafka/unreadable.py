"""A batch that no client can read."""

from __future__ import annotations

from confluent_kafka import Producer


def produce_around_unreadable(kafka: str, topic: str, before: bytes, after: bytes) -> None:
    """A record at offset 0, two at 1 and 2 that decompress to more than a client takes, and one at 3."""
    large = {"compression.type": "zstd", "message.max.bytes": 1_000_000_000, "linger.ms": 60_000}
    producer = Producer(large | {"bootstrap.servers": kafka, "batch.size": 1_000_000_000})
    for values in (before,), (b"x" * 60_000_000, b"x" * 60_000_000), (after,):
        for value in values:
            producer.produce(topic, value, partition=0)
        assert producer.flush(60) == 0
