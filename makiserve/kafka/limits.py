"""What a topic takes: the size, time and key that a message may have, from the topic's settings."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # stubs

from makiserve.kafka.connection import Connection
from makiserve.kafka.errors import to_error
from makiserve.kafka.message import Headers

logger = logging.getLogger(__name__)

CALL_S = 5.0
REFRESH_S = 60.0
UNLIMITED = 2**63 - 1
HOUR_MS = 3_600_000
TIME_LIMITS = tuple(f"message.timestamp.{name}.max.ms" for name in ("before", "after", "difference"))
"""The settings that bound the time of a message: before Kafka 3.6 there is only the last, since 4.0 only the others."""

MARGIN_MS = 60_000
"""How far the clocks of this machine and of a broker may differ, and how long a message may wait to be written."""

MESSAGE_BYTES = 128
"""More than the batch and the record around a message need; a header needs up to HEADER_BYTES."""

HEADER_BYTES = 10


def message_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Return the size that a broker compares with max.message.bytes, at most: alone in its batch, not compressed."""
    size = MESSAGE_BYTES + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += HEADER_BYTES + len(name.encode()) + len(content or b"")
    return size


class TopicLimits(NamedTuple):
    """What a topic takes; the defaults are those of Kafka 4.

    Attributes:
        max_bytes: the size of the largest message, as of `message_bytes`.
        needs_key: whether it refuses messages without a key.
        before_ms: how much older than now the time of a message may be.
        after_ms: how much later than now it may be.
    """

    max_bytes: int = 1_048_588
    needs_key: bool = False
    before_ms: int = UNLIMITED
    after_ms: int = HOUR_MS

    def times(self, now_ms: int) -> tuple[int, int]:
        """Return the earliest and the latest time that a message may have for some time from now on."""
        before, after = (limit - min(MARGIN_MS, limit // 2) for limit in (self.before_ms, self.after_ms))
        return now_ms - before, now_ms + after


def limits_from_settings(settings: Mapping[str, str]) -> TopicLimits:
    """Return what a topic with these settings takes; Kafka's defaults if none are known."""
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
    """What each of some topics takes: known from the start, asked for again every minute and after a refusal.

    A topic whose settings may not be read counts as one with Kafka's defaults until it refuses a message.

    Attributes:
        of: the limits of each topic.
    """

    def __init__(self, connection: Connection, topics: Iterable[str]) -> None:
        self._client_bytes = int(connection.broker.options.get("message.max.bytes", UNLIMITED))
        self.of = {topic: self._capped(TopicLimits()) for topic in topics}
        self._settings: dict[str, TopicLimits] = {}
        self._asked: dict[ConfigResource, Future[Any]] = {}
        self._due = 0.0
        with to_error("The Kafka settings"):
            self._admin = AdminClient(connection.admin_settings())

    @property
    def smallest_bytes(self) -> int:
        """The size of a batch that every topic takes."""
        return min(limits.max_bytes for limits in self.of.values())

    def read(self) -> None:
        """Ask for the settings of all topics, and wait for the answers."""
        self._ask()
        self._take()

    def refresh(self) -> None:
        """Ask again if it is time, and note the answers once they are all there. It never waits."""
        if self._asked and all(answer.done() for answer in self._asked.values()):
            self._take()
        elif not self._asked and time.monotonic() >= self._due:
            self._ask()

    def learn(self, topic: str, limits: TopicLimits) -> None:
        """Note what a refusal has shown; it counts until the topic's settings change."""
        self.of[topic] = limits

    def _ask(self) -> None:
        resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in self.of]
        with to_error("Asking for the settings of topics"):
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
            found = limits_from_settings({name: entry.value for name, entry in settings.items() if entry.value})
            if self._settings.get(resource.name) != found:
                self._settings[resource.name] = found
                self.of[resource.name] = self._capped(found)

    def _capped(self, limits: TopicLimits) -> TopicLimits:
        return limits._replace(max_bytes=min(limits.max_bytes, self._client_bytes))
