"""What a partition begins from: what the group has committed, the ends of the input, what a topic of state holds.

A client of its own, beside the input's consumer, so that it can be asked from a thread of its own while that one polls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # stubs

from makiserve.errors import RetryCall
from makiserve.kafka.connection import Connection
from makiserve.kafka.errors import END_OF_PARTITION, MISSING, fault, to_error

MOST = 10_000
"""How many records are taken at once."""


class Committed(NamedTuple):
    """What the group has committed for a partition.

    Attributes:
        offset: of the next record to process; None when nothing was ever committed.
        metadata: the text that was committed with it, "" when none was.
    """

    offset: int | None
    metadata: str


class Watermarks(NamedTuple):
    """The ends of a partition.

    Attributes:
        low: the oldest offset that retention has left.
        high: one after the last record that a read_committed reader may see now: records of open transactions, and
            all that follow them, are beyond it.
    """

    low: int
    high: int


class OffsetsClient:
    """Asks about the partitions of one input, from one thread at a time."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._topic = topic
        with to_error("The settings of the client that restores"):
            self._consumer = Consumer(connection.lookup_settings())
            self._admin = AdminClient(connection.admin_settings())

    def committed(self, partition: int, timeout: timedelta) -> Committed:
        """What the group has committed; the previous owner's open transaction is waited for.

        Raises:
            RetryCall: no answer, or that transaction is still open.
        """
        doing = f"Asking for the committed offset of {self._topic}[{partition}]"
        with to_error(doing):
            found = self._consumer.committed([TopicPartition(self._topic, partition)], timeout.total_seconds())[0]
        if found.error is not None:
            raise fault(found.error, doing)
        return Committed(found.offset if found.offset >= 0 else None, found.metadata or "")

    def watermarks(self, partition: int, timeout: timedelta) -> Watermarks:
        """The ends of a partition of the input, as the broker knows them now.

        Raises:
            RetryCall: no answer.
        """
        place = TopicPartition(self._topic, partition)
        with _asking(f"Asking for the ends of {self._topic}[{partition}]"):
            return Watermarks(*self._consumer.get_watermark_offsets(place, timeout.total_seconds(), cached=False))

    def offset_since(self, partition: int, time_ms: int, timeout: timedelta) -> int:
        """The first record of the input whose timestamp is `time_ms` or later; the end where there is none.

        Raises:
            RetryCall: no answer.
        """
        with _asking(f"Looking for a time in {self._topic}[{partition}]"):
            place = TopicPartition(self._topic, partition, time_ms)
            found = self._consumer.offsets_for_times([place], timeout.total_seconds())[0]
        return found.offset if found.offset >= 0 else self.watermarks(partition, timeout).high

    def contents(
        self, topic: str, partition: int, timeout: timedelta, is_over: Callable[[], bool]
    ) -> Iterator[list[tuple[bytes, bytes | None]]]:
        """Key and value of all that is committed in a partition of a compacted topic, in order.

        It is read up to the end that uncommitted records have: a commit returns before it has made its records visible.

        Args:
            topic: of state.
            partition: of that topic.
            timeout: of each call.
            is_over: whether nobody wants the rest.

        Raises:
            RetryCall: no answer; begin again.
        """
        end, reached = self._end(topic, partition, timeout), 0
        with to_error(f"Reading {topic}[{partition}]"):
            self._consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            try:
                while reached < end and not is_over():
                    messages = [each for each in self._take(timeout) if each.partition() == partition]
                    reached = max((_reached(each) for each in messages), default=reached)
                    yield [(each.key() or b"", each.value()) for each in messages if each.error() is None]
            finally:
                self._consumer.unassign()

    def close(self) -> None:
        """Ends the client."""
        self._consumer.close()

    def _take(self, timeout: timedelta) -> list[Message]:
        first = self._consumer.poll(timeout.total_seconds())
        return [] if first is None else [first, *self._consumer.consume(MOST, 0)]

    def _end(self, topic: str, partition: int, timeout: timedelta) -> int:
        place = TopicPartition(topic, partition)
        with to_error(f"Asking for the end of {topic}[{partition}]"):
            answer = self._admin.list_offsets(
                {place: OffsetSpec.latest()},  # type: ignore[no-untyped-call]
                isolation_level=IsolationLevel.READ_UNCOMMITTED,
                request_timeout=timeout.total_seconds(),
            )
            end = int(answer[place].result().offset)
        if end < 0:  # what it says, without an error, when the connection breaks while it asks
            raise RetryCall(f"Asking for the end of {topic}[{partition}]: no answer")
        return end


@contextmanager
def _asking(doing: str) -> Iterator[None]:
    """Of a partition that is assigned: a client that has lost its brokers says that it is not there."""
    try:
        yield
    except KafkaException as error:
        reason = error.args[0]
        if reason.code() in MISSING:
            raise RetryCall(f"{doing}: {reason.str()}") from error
        raise fault(reason, doing) from error


def _reached(message: Message) -> int:
    """How far a message shows that a partition is read; the event of its end comes behind records that nobody sees."""
    error = message.error()
    if error is None:
        return int(message.offset() or 0) + 1
    if error.code() != END_OF_PARTITION:
        raise KafkaException(error)
    return int(message.offset() or 0)
