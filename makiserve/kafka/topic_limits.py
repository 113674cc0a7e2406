"""Topic limits: the size, timestamp and key that a topic's settings allow."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource

from makiserve.kafka.connection import Connection
from makiserve.kafka.errors import to_error
from makiserve.kafka.message import Headers

logger = logging.getLogger(__name__)

CALL_S = 5.0
REFRESH_S = 60.0
UNLIMITED = 2**63 - 1
HOUR_MS = 3_600_000
TIME_LIMITS = tuple(f"message.timestamp.{name}.max.ms" for name in ("before", "after", "difference"))
"""The settings that limit timestamps. Before Kafka 3.6 only the last one exists, since 4.0 only the other two."""

MARGIN_MS = 60_000
"""The allowance for clock differences with a broker, and for the time that a message waits to be written."""

MESSAGE_BYTES = 128
"""An upper bound of the batch and record overhead of a message. Each header adds up to HEADER_BYTES."""

HEADER_BYTES = 10


def message_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Return an upper bound of the size that a broker compares with max.message.bytes.

    It assumes that the message is alone in its batch and not compressed.
    """
    size = MESSAGE_BYTES + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += HEADER_BYTES + (len(name) if name.isascii() else len(name.encode())) + len(content or b"")
    return size


class TopicLimits(NamedTuple):
    """The limits of one topic. The defaults are those of Kafka 4.

    Attributes:
        max_bytes: the size of the largest message, as computed by `message_bytes`.
        needs_key: whether the topic refuses messages without a key.
        before_ms: how far in the past the timestamp of a message may be.
        after_ms: how far in the future the timestamp may be.
    """

    max_bytes: int = 1_048_588
    needs_key: bool = False
    before_ms: int = UNLIMITED
    after_ms: int = HOUR_MS

    def times(self, now_ms: int) -> tuple[int, int]:
        """Return the earliest and the latest timestamp that a message may have now and for some time after."""
        before, after = (limit - min(MARGIN_MS, limit // 2) for limit in (self.before_ms, self.after_ms))
        return now_ms - before, now_ms + after


def limits_from_settings(settings: Mapping[str, str]) -> TopicLimits:
    """Return the limits of a topic with these settings; Kafka's defaults if no setting is known."""
    if not settings:
        return TopicLimits()
    limits = TopicLimits(
        max_bytes=int(settings.get("max.message.bytes") or TopicLimits().max_bytes),
        needs_key="compact" in settings.get("cleanup.policy", "").split(","),
    )
    if settings.get("message.timestamp.type") == "LogAppendTime":  # the broker writes its own time
        return limits._replace(before_ms=UNLIMITED, after_ms=UNLIMITED)
    before, after, both = (int(settings[name]) if name in settings else UNLIMITED for name in TIME_LIMITS)
    return limits._replace(before_ms=min(before, both), after_ms=min(after, both))


class Limits:
    """The limits of several topics, read at the start, every minute, and after a refusal.

    A topic whose settings may not be read has Kafka's defaults until it refuses a message.

    Attributes:
        of: the limits of each topic.
    """

    def __init__(self, connection: Connection, topics: Iterable[str]) -> None:
        self._client_bytes = int(connection.broker.options.get("message.max.bytes", UNLIMITED))
        self.of = {topic: self._capped(TopicLimits()) for topic in topics}
        self._settings: dict[str, TopicLimits] = {}
        self._asked: dict[ConfigResource, Future[Any]] = {}
        self._due = 0.0
        with to_error("The Kafka properties"):
            self._admin = AdminClient(connection.admin_settings())

    @property
    def smallest_bytes(self) -> int:
        """The largest batch that every topic accepts, in bytes."""
        return min(limits.max_bytes for limits in self.of.values())

    def read(self) -> None:
        """Request the settings of all topics, and wait for the answers."""
        self._ask()
        self._take()

    def refresh(self) -> None:
        """Request the settings again when they are due, and apply the answers when all have arrived. Never wait."""
        if self._asked and all(answer.done() for answer in self._asked.values()):
            self._take()
        elif not self._asked and time.monotonic() >= self._due:
            self._ask()

    def tighten(self, topic: str, limits: TopicLimits) -> None:
        """Set limits that a refusal has shown. They apply until the topic's settings change."""
        self.of[topic] = limits

    def _ask(self) -> None:
        resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in self.of]
        with to_error("Reading the settings of topics"):
            self._asked = self._admin.describe_configs(resources, request_timeout=CALL_S)

    def _take(self) -> None:
        asked, self._asked = self._asked, {}
        self._due = time.monotonic() + REFRESH_S
        for resource, answer in asked.items():
            try:
                settings = answer.result()
            except KafkaException as error:
                logger.debug("The settings of %s cannot be read: %s", resource.name, error)
                continue
            limits = limits_from_settings({name: entry.value for name, entry in settings.items() if entry.value})
            if self._settings.get(resource.name) != limits:
                self._settings[resource.name] = limits
                self.of[resource.name] = self._capped(limits)

    def _capped(self, limits: TopicLimits) -> TopicLimits:
        return limits._replace(max_bytes=min(limits.max_bytes, self._client_bytes))
