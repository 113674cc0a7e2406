"""Hostile input: the service writes a dead letter with the reason and continues."""

from __future__ import annotations

import signal
from collections.abc import Callable

from confluent_kafka import Producer

from tests.integration.serving.service import Service, predictions, read, send, sources

BOMB_BYTES = 150_000_000


def good(number: int) -> bytes:
    return b'{"number": %d, "value": 1}' % number


def test_bombs_and_deep_or_large_json_are_dead_letters(
    kafka: str, topic: Callable[..., str], running_uri: str, service: Callable[..., Service]
) -> None:
    source, output = topic(1), topic(1)
    large = {"bootstrap.servers": kafka, "message.max.bytes": 1_000_000_000, "linger.ms": 0}
    send(kafka, source, [good(1)])
    for codec, content in (("zstd", b"x" * BOMB_BYTES), ("gzip", b'{"number":1,"value":1,"x":"' + b"x" * 50_000_000)):
        producer = Producer(large | {"compression.type": codec})
        producer.produce(source, content, b"bomb", 0)
        assert producer.flush(60) == 0
    send(kafka, source, [b'{"number":' + b"[" * 100_000, good(2), b"\x00\xff", good(3)])
    running = service(running_uri, source, output)
    assert len(predictions(read(kafka, output, enough=3)[0])) == 3
    dead = read(kafka, f"{output}.dead-letters", enough=4)[0]
    assert sources(dead) == [1, 2, 3, 5]
    errors = [dict(message.headers())["makiserve.error"].decode() for message in dead]
    assert "ecompress" in errors[0]
    assert "too large (limit 16,777,216)" in errors[1]
    assert "recursion depth" in errors[2]
    assert "not a JSON object" in errors[3]
    code, log = running.stop(signal.SIGTERM)
    assert (code, "Traceback" in log) == (0, False)
