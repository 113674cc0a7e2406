"""Places in a topic, as people name them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import dropwhile, takewhile
from types import TracebackType
from typing import Literal, NamedTuple, cast

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import Message as AnyMessage
from typing_extensions import Self

from makiserve.errors import BrokerUnavailable, ConfigurationError, RetryCall
from makiserve.kafka.admin import Cluster
from makiserve.kafka.connection import Connection
from makiserve.kafka.errors import END_OF_PARTITION, UNREADABLE, fault, retry, to_error
from makiserve.kafka.message import Message, Unreadable
from makiserve.settings.text import value_from_text

Place = int | datetime | timedelta | Literal["earliest", "latest"]
"""An offset, a time, a time before now, or an end of the partition."""


def place_from_text(text: str) -> Place:
    """`earliest`, `latest`, an offset, `2h` before now, or a time such as 2026-11-25T10:00, UTC.

    Raises:
        ConfigurationError: it is none of these.
    """
    if text in ("earliest", "latest"):
        return cast("Place", text)
    if text.isdecimal():
        return int(text)
    try:
        return cast("timedelta", value_from_text(timedelta, text))
    except ValueError:
        return _time(text)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" * text.endswith("Z"))
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is no place in a topic: give earliest, latest, an offset, 2h for two hours ago, or a time such "
            "as 2026-11-25T10:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def time_ms(place: Place, now: datetime) -> int | None:
    """A time in milliseconds since 1970; None for a place that is none."""
    if isinstance(place, timedelta):
        place = now - place
    return int(place.timestamp() * 1000) if isinstance(place, datetime) else None


def offset_of(place: Place, low: int, high: int) -> int:
    """The offset that a place without a time means, between the ends of a partition."""
    if isinstance(place, int):
        return place
    return low if place == "earliest" else high


CALL_S = 5.0
WAIT_S = 0.2
MAX_RECORDS = 16_384
PATIENCE = timedelta(seconds=30)
CONSUMER = {"enable.partition.eof": True, "queued.max.messages.kbytes": 65_536}


class OffsetRange(NamedTuple):
    """Offsets of a partition, from `start` to the one before `end`, and of these the records of a time.

    Attributes:
        since_ms: it begins with the first record that is not older, in milliseconds since 1970.
        until_ms: it ends before the first record that is not older. Brokers know where either is, too, but count the
            marks of commits: in a back-filled topic these are years younger than the records.
    """

    topic: str
    partition: int
    start: int
    end: int
    since_ms: int | None = None
    until_ms: int | None = None


def offset_ranges(connection: Connection, topic: str, start: Place, end: Place) -> list[OffsetRange]:
    """The span of each partition, its end fixed now: what arrives later is not in it, nor is what is not committed.

    Args:
        connection: to the brokers.
        topic: to be read.
        start: of the first record; of a time, the first record that is not older.
        end: of the record after the last, likewise.

    Raises:
        ConfigurationError: there is no such topic, or retention has removed the offset to start at.
        BrokerUnavailable: no broker answers.
    """
    cluster = Cluster(connection)
    cluster.preflight(connection.broker.patience)
    now = datetime.now(timezone.utc)
    with RangeReader(connection) as reader:
        return [reader.span(topic, number, start, end, now) for number in range(cluster.partitions(topic))]


class RangeReader:
    """A consumer without a group's duties: what it reads stays unread for everybody else."""

    def __init__(self, connection: Connection) -> None:
        with to_error("The consumer's settings"):
            self._consumer = Consumer(connection.consumer_settings() | CONSUMER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def span(self, topic: str, partition: int, start: Place, end: Place, now: datetime) -> OffsetRange:
        """The offsets that two places mean in a partition."""
        where = f"{topic}[{partition}]"
        with to_error(f"Asking for the ends of {where}"):
            low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), CALL_S, cached=False)
        since_ms, until_ms = time_ms(start, now), time_ms(end, now)
        first = self._since(topic, partition, since_ms) if since_ms is not None else offset_of(start, low, high)
        last = high if until_ms is not None else offset_of(end, low, high)
        if first is not None and first < low:
            raise ConfigurationError(f"{where}@{first} is gone: retention has left it from {low} on. Start there.")
        last = min(last, high)
        return OffsetRange(topic, partition, last if first is None else min(first, last), last, since_ms, until_ms)

    def committed(self, topic: str, partition: int) -> int | None:
        """The offset that the group has committed; None where it never has."""

        def ask() -> TopicPartition:
            with to_error(f"Asking for the committed offset of {topic}[{partition}]"):
                return self._consumer.committed([TopicPartition(topic, partition)], CALL_S)[0]

        found = retry(ask, PATIENCE)
        return found.offset if found.offset >= 0 else None

    def read(self, span: OffsetRange) -> Iterator[list[Message]]:
        """The records of a span, in order, as many at once as arrive.

        Raises:
            BrokerUnavailable: nothing has arrived for 30 s, though there is more.
            ConfigurationError: a batch cannot be decompressed, or is damaged.
        """
        for messages in self.read_input(span):
            if Unreadable in set(map(type, messages)):
                bad = next(each for each in messages if isinstance(each, Unreadable))
                raise ConfigurationError(
                    f"Reading {span.topic}[{span.partition}]@{bad.offset()}: {bad.trouble}: the batch is damaged, or "
                    "decompresses to more than receive.message.max.bytes: raise that, or choose where to go on"
                )
            yield messages

    def read_input(self, span: OffsetRange) -> Iterator[list[Message]]:
        """The same as a service reads its input: an `Unreadable` stands for each record of a batch that is none.

        Nobody knows its time: it counts as old as the record before it.

        Raises:
            BrokerUnavailable: nothing has arrived for 30 s, though there is more.
        """
        where = f"{span.topic}[{span.partition}]"
        with to_error(f"Reading {where}"):
            self._consumer.assign([TopicPartition(span.topic, span.partition, span.start)])
        chosen = _Chosen(span)
        position, since = span.start, time.monotonic()
        while position < span.end:
            with to_error(f"Reading {where}"):
                messages = self._consumer.consume(MAX_RECORDS, WAIT_S)
            messages, unreadable = _up_to_unreadable(messages, position)
            records = cast("list[Message]", [each for each in messages if each.error() is None])
            found, is_over = chosen.select(records if unreadable is None else [*records, unreadable])
            if found:
                yield found
            if is_over:
                return
            moved = [_next_offset(message, where) for message in messages]
            if unreadable is not None:  # librdkafka goes no further by itself
                moved.append(unreadable.offset() + 1)
                with to_error(f"Going to {where}@{moved[-1]}"):
                    self._consumer.seek(TopicPartition(span.topic, span.partition, moved[-1]))
            if moved:
                position, since = max(position, *moved), time.monotonic()
            elif time.monotonic() - since > PATIENCE.total_seconds():
                raise BrokerUnavailable(f"Reading {where}@{position}: nothing has come for {PATIENCE.seconds} s")

    def _since(self, topic: str, partition: int, ms: int) -> int | None:
        """The broker's offset for a time; None where nothing is so young."""

        def ask() -> TopicPartition:
            with to_error(f"Asking for the records of {topic}[{partition}] of a time"):
                return self._consumer.offsets_for_times([TopicPartition(topic, partition, ms)], CALL_S)[0]

        found = retry(ask, PATIENCE)
        return found.offset if found.offset >= 0 else None


class _Chosen:
    """Which of the records that are read belong to a span."""

    def __init__(self, span: OffsetRange) -> None:
        self._span = span
        self._has_begun = span.since_ms is None

    def select(self, records: list[Message]) -> tuple[list[Message], bool]:
        """Those that belong to it, and whether nothing that follows does."""
        span = self._span
        if not self._has_begun:
            records = list(dropwhile(lambda record: record.timestamp()[1] < (span.since_ms or 0), records))
            self._has_begun = bool(records)
        inside = list(takewhile(self._is_before_end, records))
        return inside, len(inside) < len(records)

    def _is_before_end(self, record: Message) -> bool:
        until_ms = self._span.until_ms
        return record.offset() < self._span.end and (until_ms is None or record.timestamp()[1] < until_ms)


def _up_to_unreadable(messages: list[AnyMessage], position: int) -> tuple[list[AnyMessage], Unreadable | None]:
    """The messages before one that cannot be read, and what stands for that; what is behind it comes again.

    Args:
        messages: as they were taken.
        position: of the first of them: the error is the whole batch's, and names its first offset.
    """
    for index, message in enumerate(messages):
        error = message.error()
        if error is not None and error.code() in UNREADABLE:
            before = messages[:index]
            taken = ((each.offset() or 0) + 1 for each in before if each.error() is None)
            offset = max(position, int(message.offset() or 0), *taken)
            place = str(message.topic()), int(message.partition() or 0)
            return before, Unreadable(*place, offset, error.str())
    return messages, None


def _next_offset(message: AnyMessage, where: str) -> int:
    """How far a message brings a reader; one that tells of the partition's end, over the marks of commits there."""
    error, offset = message.error(), message.offset() or 0
    if error is None:
        return offset + 1
    if error.code() == END_OF_PARTITION:
        return offset
    raised = fault(error, f"Reading {where}")
    if isinstance(raised, RetryCall):
        return 0
    raise raised
