"""Produce messages, and find those that a broker refuses although they fit the known limits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from msgspec.structs import astuple

from makiserve.errors import ConfigurationError, MessageRefused
from makiserve.kafka import Limits, TopicLimits, TransactionalProducer, message_bytes, retry
from makiserve.serving.messages import Outgoing

CALL = timedelta(seconds=2)
RETRY_TIMEOUT = timedelta(minutes=5)

CAREFUL_BYTES = 65_536
NARROWER = 16
"""Factor by which the bytes per flush are reduced after each refusal."""

Place = tuple[int, int]
"""Partition and offset of an input record."""


class Sender:
    """Produces the messages of the open transaction.

    A broker refuses a batch as a whole and does not report which message is at fault. The transaction is then aborted
    and its records are scored again. This time fewer and fewer messages are flushed together, until the refused one is
    alone. The limits of its topic are updated, and its record becomes a dead letter.

    Args:
        producer: producer of the transaction.
        limits: limits of the topics that it writes to.

    Attributes:
        refused: topic and reason for each record with a refused message.
    """

    def __init__(self, producer: TransactionalProducer, limits: Limits) -> None:
        self.refused: dict[Place, tuple[str, str]] = {}
        self._produce = producer.produce
        self._flush: Callable[[], None] = partial(producer.flush, CALL)
        self._limits = limits
        self._together: float = math.inf
        self._unflushed: list[tuple[Place, Outgoing]] = []
        self._unflushed_bytes = 0

    def limits(self, topic: str) -> TopicLimits:
        """Return the known limits of a topic."""
        return self._limits.of[topic]

    def send(self, place: Place, message: Outgoing) -> None:
        """Produce a message for the record at this position.

        Raises:
            MessageRefused: this message or an earlier one was refused.
            AbortTransaction: see `TransactionalProducer.produce`.
        """
        if self._together < math.inf:
            self._unflushed.append((place, message))
            self._unflushed_bytes += message_bytes(message.key, message.value, message.headers)
        self._produce(*astuple(message))
        if self._unflushed_bytes >= self._together:
            retry(self._flush, RETRY_TIMEOUT)
            self.aborted()

    def send_all(self, places: Iterable[Place], messages: Iterable[Outgoing]) -> None:
        """Produce messages in order, each for the record at a position; see `send`."""
        if self._together < math.inf:
            for place, message in zip(places, messages, strict=True):
                self.send(place, message)
        else:
            for fields in map(astuple, messages):
                self._produce(*fields)

    def isolate_refusal(self, error: MessageRefused) -> None:
        """Narrow down the refused message; the transaction must be aborted and repeated.

        Raises:
            ConfigurationError: the topic refuses even the smallest dead letter.
        """
        suspects = self._unflushed
        self._limits.read()
        if len(suspects) == 1:
            self._record_refusal(*suspects[0], error)
            self._together = CAREFUL_BYTES
        elif suspects:
            self._together /= NARROWER
        else:
            self._together = CAREFUL_BYTES

    def aborted(self) -> None:
        """Forget the messages since the last flush: they are lost, or known to be written."""
        self._unflushed, self._unflushed_bytes = [], 0

    def committed(self) -> None:
        """Return to normal operation, because everything that was scored is committed."""
        self._together = math.inf
        self.aborted()

    def _record_refusal(self, place: Place, message: Outgoing, error: MessageRefused) -> None:
        """Record that the topic refuses this message, and update the topic's known limits."""
        if self.refused.get(place, ("",))[0] == message.topic:
            raise ConfigurationError(f"{message.topic} refuses even the smallest dead letter: {error}") from error
        self.refused[place] = message.topic, str(error)
        self._limits.tighten(message.topic, _limits_after(self.limits(message.topic), message, error))


def _limits_after(limits: TopicLimits, message: Outgoing, error: MessageRefused) -> TopicLimits:
    if error.cause == "size":
        size = message_bytes(message.key, message.value, message.headers)
        return limits._replace(max_bytes=min(limits.max_bytes, size - 1))
    if error.cause == "record":
        return limits._replace(needs_key=limits.needs_key or message.key is None)
    ahead_ms = message.time_ms - int(time.time() * 1000)
    if ahead_ms > 0:
        return limits._replace(after_ms=min(limits.after_ms, ahead_ms))
    return limits._replace(before_ms=min(limits.before_ms, -ahead_ms))
