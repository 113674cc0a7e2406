"""What a partition is restored from: committed offsets, the ends of the input, the contents of a state topic.

This client is separate from the input's consumer, so that one thread can use it while another one polls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from makiserve.errors import RetryCall
from makiserve.kafka.connection import Connection
from makiserve.kafka.error_codes import END_OF_PARTITION, MISSING
from makiserve.kafka.errors import error_from_kafka, to_error

MAX_RECORDS = 10_000
"""The maximum number of records per call."""


class Committed(NamedTuple):
    """The group's committed offset of a partition, with its metadata.

    Attributes:
        offset: of the next record to process; None if nothing was ever committed.
        metadata: the text that was committed with it; "" if there was none.
    """

    offset: int | None
    metadata: str


class Watermarks(NamedTuple):
    """The ends of a partition.

    Attributes:
        low: the oldest offset that retention has kept.
        high: one after the last record that a read_committed reader may see now. It excludes records of open
            transactions, and all records after them.
    """

    low: int
    high: int


class OffsetsClient:
    """A client that looks up offsets of one input and reads its state topics. Use it from one thread at a time."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._topic = topic
        with to_error("The properties of the client that restores state"):
            self._consumer = Consumer(connection.lookup_settings())
            self._admin = AdminClient(connection.admin_settings())

    def committed(self, partition: int, timeout: timedelta) -> Committed:
        """Return the group's committed offset. Wait for the previous owner's open transaction.

        Raises:
            RetryCall: there was no answer, or that transaction is still open.
        """
        doing = f"Reading the committed offset of {self._topic}[{partition}]"
        with to_error(doing):
            answer = self._consumer.committed([TopicPartition(self._topic, partition)], timeout.total_seconds())[0]
        if answer.error is not None:
            raise error_from_kafka(answer.error, doing)
        return Committed(answer.offset if answer.offset >= 0 else None, answer.metadata or "")

    def watermarks(self, partition: int, timeout: timedelta) -> Watermarks:
        """Return the ends of a partition of the input, as the broker knows them now.

        Raises:
            RetryCall: there was no answer.
        """
        place = TopicPartition(self._topic, partition)
        with _asking(f"Reading the offsets of {self._topic}[{partition}]"):
            return Watermarks(*self._consumer.get_watermark_offsets(place, timeout.total_seconds(), cached=False))

    def offset_since(self, partition: int, time_ms: int, timeout: timedelta) -> int:
        """Return the offset of the first input record with timestamp `time_ms` or later; the end if there is none.

        Raises:
            RetryCall: there was no answer.
        """
        with _asking(f"Looking up the offset of a time in {self._topic}[{partition}]"):
            place = TopicPartition(self._topic, partition, time_ms)
            answer = self._consumer.offsets_for_times([place], timeout.total_seconds())[0]
        return answer.offset if answer.offset >= 0 else self.watermarks(partition, timeout).high

    def end_of_records(self, partition: int, ends: Watermarks, timeout: timedelta) -> int:
        """Return one after the last record of the input that a reader receives; the oldest offset if there is none.

        Markers of transactions and aborted records may follow it, up to `ends.high`. No reader receives them.

        Raises:
            RetryCall: there was no answer.
        """
        span = 1
        while (start := max(ends.low, ends.high - span)) < ends.high:
            last = self._last_record(partition, start, ends.high, timeout)
            if last is not None:
                return last + 1
            if start == ends.low:
                return ends.low
            span *= 16
        return ends.high

    def contents(
        self, topic: str, partition: int, timeout: timedelta, is_over: Callable[[], bool]
    ) -> Iterator[list[tuple[bytes, bytes | None]]]:
        """Yield the key and value of each committed record in a partition of a compacted topic, in order.

        Read up to the end that includes uncommitted records, because a commit returns before its records are visible.

        Args:
            topic: the state topic.
            partition: of that topic.
            timeout: of each call.
            is_over: returns whether to stop early.

        Raises:
            RetryCall: there was no answer; start again from the beginning.
        """
        end, reached = self._end(topic, partition, timeout), 0
        with to_error(f"Reading {topic}[{partition}]"):
            self._consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            try:
                while reached < end and not is_over():
                    messages = [message for message in self._take(timeout) if message.partition() == partition]
                    reached = max((_reached(message) for message in messages), default=reached)
                    yield [(message.key() or b"", message.value()) for message in messages if message.error() is None]
            finally:
                self._consumer.unassign()

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()

    def _last_record(self, partition: int, start: int, end: int, timeout: timedelta) -> int | None:
        doing, reached, last = f"Reading the last record of {self._topic}[{partition}]", start, None
        with to_error(doing):
            self._consumer.assign([TopicPartition(self._topic, partition, start)])
            try:
                while reached < end:
                    if not (messages := self._take(timeout)):
                        raise RetryCall(f"{doing}: no answer")
                    place = self._topic, partition
                    messages = [message for message in messages if (message.topic(), message.partition()) == place]
                    reached = max(map(_reached, messages), default=reached)
                    records = [int(message.offset() or 0) for message in messages if message.error() is None]
                    last = max((offset for offset in records if offset < end), default=last)
            finally:
                self._consumer.unassign()
        return last

    def _take(self, timeout: timedelta) -> list[Message]:
        first = self._consumer.poll(timeout.total_seconds())
        return [] if first is None else [first, *self._consumer.consume(MAX_RECORDS, 0)]

    def _end(self, topic: str, partition: int, timeout: timedelta) -> int:
        place = TopicPartition(topic, partition)
        with to_error(f"Reading the end offset of {topic}[{partition}]"):
            answer = self._admin.list_offsets(
                {place: OffsetSpec.latest()},  # type: ignore[no-untyped-call]
                isolation_level=IsolationLevel.READ_UNCOMMITTED,
                request_timeout=timeout.total_seconds(),
            )
            end = int(answer[place].result().offset)
        if end < 0:  # the answer, without an error, if the connection breaks during the call
            raise RetryCall(f"Reading the end offset of {topic}[{partition}]: no answer")
        return end


@contextmanager
def _asking(doing: str) -> Iterator[None]:
    """Convert errors about an assigned partition. It may be reported missing if the client has lost its brokers."""
    try:
        yield
    except KafkaException as error:
        reason = error.args[0]
        if reason.code() in MISSING:
            raise RetryCall(f"{doing}: {reason.str()}") from error
        raise error_from_kafka(reason, doing) from error


def _reached(message: Message) -> int:
    """Return the offset up to which a partition is read. The end-of-partition event comes after invisible records."""
    error = message.error()
    if error is None:
        return int(message.offset() or 0) + 1
    if error.code() != END_OF_PARTITION:
        raise KafkaException(error)
    return int(message.offset() or 0)
