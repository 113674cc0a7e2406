"""The input: a cooperative consumer that hands out all that has arrived, and moves only where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_END, Consumer, Message, TopicPartition

from makiserve.errors import MakiserveError
from makiserve.kafka.codes import END_OF_PARTITION
from makiserve.kafka.connection import Connection
from makiserve.kafka.faults import fault, translated

OnPartitions = Callable[[list[int]], None]


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


class InputConsumer:
    """One topic, read by one member of the group.

    A partition is assigned *paused*: it gives nothing until `resume_at`. There is no other way to move: seek before
    resume costs a second of silence (resume does not wake librdkafka's fetcher, a seek does), and a seek while a
    paused partition still looks up its start is lost.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self.topic = topic
        with translated("The consumer's settings"):
            self._consumer = Consumer(connection.consumer_settings())
        self._callbacks: dict[str, OnPartitions] = {}
        self._assigned: set[int] = set()
        self._gone: set[int] = set()
        self._kept: list[Message] = []
        self._raised: MakiserveError | None = None
        self._closing = False

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions that are this member's now, paused ones included."""
        return frozenset(self._assigned)

    def subscribe(self, on_assign: OnPartitions, on_revoke: OnPartitions, on_lost: OnPartitions) -> None:
        """Joins the group. The callbacks are called from inside `receive` and `close`.

        Args:
            on_assign: these partitions came, paused.
            on_revoke: these go when it returns: the last chance to commit.
            on_lost: these are another member's already: whatever is not committed must be dropped.
        """
        self._callbacks = {"assign": on_assign, "revoke": on_revoke, "lost": on_lost}
        with translated(f"Subscribing to {self.topic}"):
            self._consumer.subscribe(
                [self.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )

    def receive(self, max_records: int, timeout: timedelta) -> list[Message]:
        """All records that have arrived, in order per partition; it waits only while there is none.

        Raises:
            MakiserveError: what a callback raised, or the input's own trouble. No record is lost by it: those that
                came along are given by the next call, unless their partition was moved or taken away meanwhile.
        """
        messages = self._take(max_records, timeout)
        records = [message for message in messages if message.error() is None]
        if len(records) < len(messages):
            self._note_errors(messages)
        if self._gone:
            records = [record for record in records if record.partition() not in self._gone]
            self._gone.clear()
        if self._raised is None:
            return records
        self._kept = records
        raised, self._raised = self._raised, None
        raise raised

    def pause(self, partitions: Iterable[int]) -> None:
        """Stops these; what they have buffered is dropped, and fetched again from where `resume_at` says."""
        with translated(f"Pausing {self.topic}"):
            self._consumer.pause([TopicPartition(self.topic, number) for number in partitions])

    def resume_at(self, partition: int, offset: int) -> None:
        """Goes on with the record at `offset`, from a pause or from elsewhere; what is buffered is dropped."""
        self._kept = [record for record in self._kept if record.partition() != partition]
        self._gone.discard(partition)
        with translated(f"Going to {self.topic}[{partition}]@{offset}"):
            self._consumer.resume([TopicPartition(self.topic, partition)])
            self._consumer.seek(TopicPartition(self.topic, partition, offset))

    def committed(self, partition: int, timeout: timedelta) -> Committed:
        """What the group has committed; the previous owner's open transaction is waited for.

        Raises:
            RetryCall: no answer, or that transaction is still open.
        """
        with translated(f"Asking for the committed offset of {self.topic}[{partition}]"):
            found = self._consumer.committed([TopicPartition(self.topic, partition)], timeout.total_seconds())[0]
        if found.error is not None:
            raise fault(found.error, f"Asking for the committed offset of {self.topic}[{partition}]")
        return Committed(found.offset if found.offset >= 0 else None, found.metadata or "")

    def watermarks(self, partition: int, timeout: timedelta) -> Watermarks:
        """The ends of a partition, as the broker knows them now.

        Raises:
            RetryCall: no answer.
        """
        with translated(f"Asking for the ends of {self.topic}[{partition}]"):
            ends = self._consumer.get_watermark_offsets(
                TopicPartition(self.topic, partition), timeout.total_seconds(), cached=False
            )
        return Watermarks(*ends)

    def group_metadata(self) -> Any:
        """This member's generation, for `TransactionalProducer.send_offsets`: it fences a member that was replaced."""
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        """Leaves the group; the partitions are revoked first. What on_revoke raises is raised when it is done."""
        self._closing = True
        with translated(f"Leaving the group of {self.topic}"):
            self._consumer.close()
        if self._raised:
            raise self._raised

    def _take(self, max_records: int, timeout: timedelta) -> list[Message]:
        if self._kept:
            kept, self._kept = self._kept, []
            return kept
        with translated(f"Reading {self.topic}"):
            first = self._consumer.poll(timeout.total_seconds())
            if first is None:
                return []
            self._kept = [first]
            rest = self._consumer.consume(max_records - 1, 0) if max_records > 1 else []
            self._kept = []
        return [first, *rest]

    def _note_errors(self, messages: list[Message]) -> None:
        for message in messages:
            error = message.error()
            if error is not None and error.code() != END_OF_PARTITION:
                self._raised = self._raised or fault(error, f"Reading {self.topic}[{message.partition()}]")

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Parked at the end: a fetch that slips in before the pause finds nothing there, and never an offset that
        # retention has removed, which would be an error.
        for partition in partitions:
            partition.offset = OFFSET_END
        consumer.incremental_assign(partitions)
        consumer.pause(partitions)
        if not self._closing:  # what arrives while leaving goes again at once
            numbers = [partition.partition for partition in partitions]
            self._assigned.update(numbers)
            self._call("assign", numbers)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._give_up("revoke", consumer, partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._give_up("lost", consumer, partitions)

    def _give_up(self, callback: str, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = [partition.partition for partition in partitions if partition.partition in self._assigned]
        self._call(callback, numbers)
        consumer.incremental_unassign(partitions)
        self._assigned.difference_update(numbers)
        self._gone.update(numbers)

    def _call(self, callback: str, numbers: list[int]) -> None:
        # Raised into librdkafka it would end the poll, and the records that the poll had already taken would be lost.
        try:
            if numbers:
                self._callbacks[callback](numbers)
        except MakiserveError as error:
            self._raised = self._raised or error
