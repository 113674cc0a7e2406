"""Places in a topic as users write them, and the offset ranges between them."""

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
from makiserve.kafka.error_codes import END_OF_PARTITION, UNREADABLE
from makiserve.kafka.errors import error_from_kafka, retry, to_error
from makiserve.kafka.message import Message, Unreadable
from makiserve.settings.text import value_from_text

Place = int | datetime | timedelta | Literal["earliest", "latest"]
"""An offset, a time, a time before now, or an end of the partition."""


def place_from_text(text: str) -> Place:
    """Parse `earliest`, `latest`, an offset, `2h` before now, or a time such as 2026-11-25T10:00 (UTC).

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
        parsed = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" * text.endswith("Z"))
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a position in a topic: give earliest, latest, an offset, 2h for two hours ago, or a "
            "time such as 2026-11-25T10:00"
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def time_ms(place: Place, now: datetime) -> int | None:
    """Return a place's time in milliseconds since 1970; None if the place is not a time."""
    if isinstance(place, timedelta):
        place = now - place
    return int(place.timestamp() * 1000) if isinstance(place, datetime) else None


def offset_of(place: Place, low: int, high: int) -> int:
    """Return the offset of a place that is not a time, in a partition that holds offsets `low` to `high`."""
    if isinstance(place, int):
        return place
    return low if place == "earliest" else high


CALL_S = 5.0
WAIT_S = 0.2
MAX_RECORDS = 16_384
TIMEOUT = timedelta(seconds=30)
CONSUMER = {"enable.partition.eof": True, "queued.max.messages.kbytes": 65_536}


class OffsetRange(NamedTuple):
    """Offsets of a partition, from `start` to the one before `end`, optionally limited to a period of time.

    Attributes:
        since_ms: the range begins with the first record that is not older than this, in milliseconds since 1970.
        until_ms: the range ends before the first record that is not older than this. Brokers can look up either time,
            too, but they include commit markers. In a back-filled topic these are years younger than the records.
    """

    topic: str
    partition: int
    start: int
    end: int
    since_ms: int | None = None
    until_ms: int | None = None


def offset_ranges(connection: Connection, topic: str, start: Place, end: Place) -> list[OffsetRange]:
    """Return the range of each partition. Its end is fixed now: later and uncommitted records are not in it.

    Args:
        connection: to the brokers.
        topic: the topic to read.
        start: the first record. For a time, this is the first record that is not older.
        end: the record after the last. For a time, this is the first record that is not older.

    Raises:
        ConfigurationError: the topic does not exist, or retention has removed the start offset.
        BrokerUnavailable: no broker answers.
    """
    cluster = Cluster(connection)
    cluster.preflight(connection.broker.startup_timeout)
    now = datetime.now(timezone.utc)
    with RangeReader(connection) as reader:
        return [reader.offset_range(topic, number, start, end, now) for number in range(cluster.partitions(topic))]


class RangeReader:
    """A consumer that reads without joining the group or committing offsets."""

    def __init__(self, connection: Connection) -> None:
        with to_error("The consumer's properties"):
            self._consumer = Consumer(connection.consumer_settings() | CONSUMER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def offset_range(self, topic: str, partition: int, start: Place, end: Place, now: datetime) -> OffsetRange:
        """Return the offsets between two places in a partition."""
        where = f"{topic}[{partition}]"
        with to_error(f"Reading the offsets of {where}"):
            low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), CALL_S, cached=False)
        since_ms, until_ms = time_ms(start, now), time_ms(end, now)
        first = self._since(topic, partition, since_ms) if since_ms is not None else offset_of(start, low, high)
        last = high if until_ms is not None else offset_of(end, low, high)
        if first is not None and first < low:
            raise ConfigurationError(
                f"{where}@{first} was removed by retention; the first record is now at offset {low}. Start there."
            )
        last = min(last, high)
        return OffsetRange(topic, partition, last if first is None else min(first, last), last, since_ms, until_ms)

    def committed(self, topic: str, partition: int) -> int | None:
        """Return the group's committed offset; None if it has never committed one."""

        def ask() -> TopicPartition:
            with to_error(f"Reading the committed offset of {topic}[{partition}]"):
                return self._consumer.committed([TopicPartition(topic, partition)], CALL_S)[0]

        answer = retry(ask, TIMEOUT)
        return answer.offset if answer.offset >= 0 else None

    def read(self, span: OffsetRange) -> Iterator[list[Message]]:
        """Yield the records of a span in order, in blocks of whatever has arrived.

        Raises:
            BrokerUnavailable: nothing has arrived for 30 s, although the span is not complete.
            ConfigurationError: a batch is damaged or cannot be decompressed.
        """
        for messages in self.read_input(span):
            if Unreadable in set(map(type, messages)):
                bad = next(message for message in messages if isinstance(message, Unreadable))
                raise ConfigurationError(
                    f"Reading {span.topic}[{span.partition}]@{bad.offset()}: {bad.trouble}: the batch is damaged, "
                    "or decompresses to more than receive.message.max.bytes. Raise that property, or choose "
                    "where to continue"
                )
            yield messages

    def read_input(self, span: OffsetRange) -> Iterator[list[Message]]:
        """Yield the records of a span as a service reads its input: with an `Unreadable` for each unreadable record.

        The time of an unreadable record is unknown. It counts as that of the record before it.

        Raises:
            BrokerUnavailable: nothing has arrived for 30 s, although the span is not complete.
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
            records = cast("list[Message]", [message for message in messages if message.error() is None])
            selected, is_over = chosen.select(records if unreadable is None else [*records, unreadable])
            if selected:
                yield selected
            if is_over:
                return
            moved = [_next_offset(message, where) for message in messages]
            if unreadable is not None:  # librdkafka does not move past it
                moved.append(unreadable.offset() + 1)
                with to_error(f"Seeking to {where}@{moved[-1]}"):
                    self._consumer.seek(TopicPartition(span.topic, span.partition, moved[-1]))
            if moved:
                position, since = max(position, *moved), time.monotonic()
            elif time.monotonic() - since > TIMEOUT.total_seconds():
                raise BrokerUnavailable(f"Reading {where}@{position}: no record received for {TIMEOUT.seconds} s")

    def _since(self, topic: str, partition: int, ms: int) -> int | None:
        """Return the broker's offset for a time; None if every record is older."""

        def ask() -> TopicPartition:
            with to_error(f"Looking up the offset of a time in {topic}[{partition}]"):
                return self._consumer.offsets_for_times([TopicPartition(topic, partition, ms)], CALL_S)[0]

        answer = retry(ask, TIMEOUT)
        return answer.offset if answer.offset >= 0 else None


class _Chosen:
    """A filter that selects the records of a span."""

    def __init__(self, span: OffsetRange) -> None:
        self._span = span
        self._has_begun = span.since_ms is None

    def select(self, records: list[Message]) -> tuple[list[Message], bool]:
        """Return the records that belong to the span, and whether the span is over."""
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
    """Return the messages before the first that cannot be read, and an `Unreadable` for that one.

    The messages after it are read again.

    Args:
        messages: in the order in which they were received.
        position: the next offset to read. The error names the first offset of its batch, which may be lower.
    """
    for index, message in enumerate(messages):
        error = message.error()
        if error is not None and error.code() in UNREADABLE:
            before = messages[:index]
            taken = ((message.offset() or 0) + 1 for message in before if message.error() is None)
            offset = max(position, int(message.offset() or 0), *taken)
            place = str(message.topic()), int(message.partition() or 0)
            return before, Unreadable(*place, offset, error.str())
    return messages, None


def _next_offset(message: AnyMessage, where: str) -> int:
    """Return the reader's position after a message. An end-of-partition event moves it past commit markers."""
    error, offset = message.error(), message.offset() or 0
    if error is None:
        return offset + 1
    if error.code() == END_OF_PARTITION:
        return offset
    raised = error_from_kafka(error, f"Reading {where}")
    if isinstance(raised, RetryCall):
        return 0
    raise raised
