"""A producer that calls librdkafka directly, for header names that are not UTF-8."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import NamedTuple

import confluent_kafka

TOPIC, PARTITION, VALUE, KEY, MSGFLAGS, TIMESTAMP, HEADERS, END = 1, 3, 4, 5, 7, 8, 10, 0
"""The names of rd_kafka_producev's arguments, from librdkafka's rdkafka.h."""

COPY = 2
NO_VALUE = ctypes.c_char_p(None)


class Message(NamedTuple):
    """A message with any bytes that a producer may write."""

    value: bytes | None
    key: bytes | None = b"k"
    headers: tuple[tuple[bytes, bytes | None], ...] = ()
    time_ms: int = 1_700_000_000_000


class RawProducer:
    """Writes messages to a topic."""

    def __init__(self, kafka: str) -> None:
        wheel = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
        self._lib = ctypes.CDLL(str(next(wheel.glob("librdkafka*.so*"))))
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
            getattr(self._lib, name).restype = ctypes.c_void_p
        # The topics of these tests are small, and a batch that is too large would be lost as a whole.
        settings = {"bootstrap.servers": kafka, "message.max.bytes": "5000000", "batch.size": "50000"}
        reason, conf = ctypes.create_string_buffer(512), ctypes.c_void_p(self._lib.rd_kafka_conf_new())
        for name, value in settings.items():
            assert self._lib.rd_kafka_conf_set(conf, name.encode(), value.encode(), reason, 512) == 0, reason.value
        self._client = ctypes.c_void_p(self._lib.rd_kafka_new(0, conf, reason, 512))

    def produce(self, topic: str, partition: int, message: Message) -> None:
        """Queue a message."""
        headers = ctypes.c_void_p(self._lib.rd_kafka_headers_new(len(message.headers)))
        for name, value in message.headers:
            size = ctypes.c_ssize_t(-1 if value is None else len(value))
            self._lib.rd_kafka_header_add(headers, name, ctypes.c_ssize_t(len(name)), value, size)
        code = self._lib.rd_kafka_producev(
            self._client,
            *(TOPIC, ctypes.c_char_p(topic.encode())),
            *(PARTITION, ctypes.c_int32(partition)),
            *(MSGFLAGS, COPY),
            *(VALUE, *_bytes(message.value)),
            *(KEY, *_bytes(message.key)),
            *(TIMESTAMP, ctypes.c_int64(message.time_ms)),
            *(HEADERS, headers),
            END,
        )
        assert code == 0, f"librdkafka's error {code} for {message}"

    def flush(self) -> None:
        """Wait until all is written; nothing may be left."""
        assert self._lib.rd_kafka_flush(self._client, 60_000) == 0


def _bytes(content: bytes | None) -> tuple[ctypes.c_char_p, ctypes.c_size_t]:
    return ctypes.c_char_p(content), ctypes.c_size_t(len(content or b""))
