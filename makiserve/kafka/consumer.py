"""The input: a cooperative consumer that returns all records that have arrived and seeks only on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from datetime import timedelta
from typing import Any, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as AnyMessage

from makiserve.errors import AbortTransaction, MakiserveError
from makiserve.kafka.connection import Connection
from makiserve.kafka.error_codes import END_OF_PARTITION, NOT_STARTED, UNREADABLE
from makiserve.kafka.errors import error_from_kafka, to_error
from makiserve.kafka.message import Message, Unreadable

OnAssign = Callable[[list[int]], Mapping[int, int | None]]
OnGone = Callable[[list[int]], None]


LOW_S = 2.0
"""The timeout for looking up a partition's oldest offset in a rebalance callback."""


class InputConsumer:
    """A group member's consumer of one topic.

    A partition gets its start offset with its assignment, or is paused until `seek` is called. A paused partition is
    assigned at the offset of its oldest record. Assigned at a logical end, it would lose a seek that is made while
    librdkafka looks up that end. `seek` never assigns the partition again: while a rebalance waits for
    on_revoke, librdkafka takes a new assignment for the end of the rebalance, and the next owner begins before this
    one has committed.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self.topic = topic
        with to_error("The consumer's properties"):
            self._consumer = Consumer(connection.consumer_settings())
        self._assigned: set[int] = set()
        self._gone: set[int] = set()
        self._seeks: dict[int, int] = {}
        self._floors: dict[int, int] = {}
        self._paused: set[int] = set()
        self._is_resting = False
        self._kept: list[AnyMessage] = []
        self._raised: MakiserveError | None = None
        self._is_closing = False
        self._is_rejoining = False
        self._join: Callable[[], None] = lambda: None

    @property
    def member(self) -> str:
        """The member id from the group; empty if this consumer is not a member now."""
        return self._consumer.memberid() or ""

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions that are assigned to this member now."""
        return frozenset(self._assigned)

    def subscribe(self, on_assign: OnAssign, on_revoke: OnGone, on_lost: OnGone) -> None:
        """Join the group. The callbacks are called from inside `receive`.

        Args:
            on_assign: called with new partitions; returns the start offset of each, or None to pause it.
            on_revoke: called with partitions that are revoked when it returns: the last chance to commit.
            on_lost: called with partitions that another member already owns: drop what is not committed.
        """

        def assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._take_over(on_assign, partitions)

        def revoke(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._unassign(on_revoke, partitions)

        def lose(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._unassign(on_lost, partitions)

        def join() -> None:
            with to_error(f"Subscribing to {self.topic}"):
                self._consumer.subscribe([self.topic], on_assign=assign, on_revoke=revoke, on_lost=lose)

        self._join = join
        join()

    def rejoin(self) -> None:
        """Leave the group and join it again, so that it reassigns all partitions.

        A static member leaves, too, because it would otherwise get its old assignment back. The next calls of `receive`
        call the callbacks, first on_revoke for all partitions.
        """
        with to_error(f"Leaving the group of {self.topic}"):
            self._consumer.unsubscribe()
        self._is_rejoining = True

    def receive(self, max_records: int, timeout: timedelta) -> list[Message]:
        """Return all records that have arrived, in order per partition. Wait only while there are none.

        Raises:
            MakiserveError: a callback raised it, or reading the input failed. No record is lost: the next call returns
                those that arrived with it, unless their partition was revoked or got another position in the meantime.
        """
        if self._is_rejoining and not self._assigned:
            self._is_rejoining = False
            self._join()
        self._seek_requested()
        self._wake()
        messages = self._take(max_records, timeout)
        records = [message for message in messages if message.error() is None]
        # Records from before a seek or a revocation in a callback look the same as those from after it.
        if stale := self._gone | self._paused | self._seeks.keys():
            records = [record for record in records if record.partition() not in stale]
            self._gone.clear()
        if len(messages) > len(records):
            records += cast("list[AnyMessage]", self._note_errors(messages, stale))
        if self._raised is None:
            return cast("list[Message]", records)
        self._kept = records
        raised, self._raised = self._raised, None
        raise raised

    def seek(self, partition: int, offset: int) -> None:
        """Continue at `offset` from the next `receive` on, and drop the buffered records of the partition."""
        self._kept = [record for record in self._kept if record.partition() != partition]
        self._seeks[partition] = self._floors[partition] = offset

    def pause(self, partitions: Iterable[int]) -> None:
        """Return no records of these partitions until the next `seek`, and drop the buffered ones."""
        paused = set(partitions)
        self._seeks = {number: offset for number, offset in self._seeks.items() if number not in paused}
        self._kept = [record for record in self._kept if record.partition() not in paused]
        self._paused |= paused
        self._pause_fetching(paused)

    def keep_alive(self) -> None:
        """Keep this member in the group while a batch is being scored, without reading records.

        Rebalance callbacks may be called from here, too. The next `receive` raises what they raise.
        """
        if not self._is_resting:
            self._is_resting = True
            self._pause_fetching(self._assigned)
        self._kept += self._poll(0.0)

    def end_offset(self, partition: int) -> int | None:
        """Return one after the last record of a partition, as of the latest fetch; None before it. Makes no request."""
        try:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), cached=True)
        except KafkaException:  # the client does not know the partition yet, or no longer
            return None
        return int(high) if high >= 0 else None

    def group_metadata(self) -> Any:
        """Return this member's generation, for `TransactionalProducer.send_offsets`.

        It fences a member that was replaced. Metadata without a member id would not: a broker assumes a client that is
        older than this protection, and accepts the offsets.

        Raises:
            AbortTransaction: the group has continued without this member, and no callback has reported that yet.
        """
        metadata = self._consumer.consumer_group_metadata()
        if self._assigned and not self.member:
            raise AbortTransaction(f"Committing the offsets of {self.topic}: no longer a member of the group")
        return metadata

    def close(self) -> None:
        """Leave the group without calling callbacks. Commit whatever must be committed before this call.

        Do not wait for a broker that does not answer.
        """
        self._is_closing = True
        with to_error(f"Leaving the group of {self.topic}"):
            self._consumer.close()

    def _take(self, max_records: int, timeout: timedelta) -> list[AnyMessage]:
        if self._kept:
            kept, self._kept = self._kept, []
            return kept
        messages = self._poll(timeout.total_seconds())
        if messages and max_records > 1:
            try:
                with to_error(f"Reading {self.topic}"):
                    messages += self._consumer.consume(max_records - 1, 0)
            except MakiserveError as error:
                self._raised = self._raised or error
        return messages

    def _poll(self, seconds: float) -> list[AnyMessage]:
        try:
            with to_error(f"Reading {self.topic}"):
                message = self._consumer.poll(seconds)
        except MakiserveError as error:
            self._raised = self._raised or error
            return []
        return [] if message is None else [message]

    def _pause_fetching(self, partitions: Iterable[int]) -> None:
        with to_error(f"Pausing {self.topic}"):
            self._consumer.pause([TopicPartition(self.topic, number) for number in partitions])

    def _wake(self) -> None:
        if self._is_resting:
            self._is_resting = False
            self._resume_fetching(self._assigned - self._paused)

    def _resume_fetching(self, partitions: Iterable[int]) -> None:
        with to_error(f"Resuming {self.topic}"):
            self._consumer.resume([TopicPartition(self.topic, number) for number in partitions])

    def _seek_requested(self) -> None:
        for partition, offset in list(self._seeks.items()):
            try:
                self._consumer.seek(TopicPartition(self.topic, partition, offset))
            except KafkaException as error:
                if error.args[0].code() != NOT_STARTED:
                    raise error_from_kafka(error.args[0], f"Seeking to {self.topic}[{partition}]@{offset}") from error
            else:
                del self._seeks[partition]
                if partition in self._paused:
                    self._paused.remove(partition)
                    self._resume_fetching([partition])

    def _note_errors(self, messages: list[AnyMessage], stale: Set[int]) -> list[Unreadable]:
        """Return an `Unreadable` for the first unreadable record of each partition. The next seek skips that record."""
        unreadable: dict[int, Unreadable] = {}
        for message in messages:
            error, partition = message.error(), int(message.partition() or 0)
            if error is None or error.code() == END_OF_PARTITION or (partition in stale and error.code() in UNREADABLE):
                continue
            if error.code() not in UNREADABLE:
                self._raised = self._raised or error_from_kafka(error, f"Reading {self.topic}[{partition}]")
            elif partition not in unreadable:
                # The error names the first offset of its batch. Records before the floor have already been handled.
                offset = max(int(message.offset() or 0), self._floors.get(partition, 0))
                unreadable[partition] = Unreadable(self.topic, partition, offset, error.str())
                self._seeks[partition] = self._floors[partition] = offset + 1
        return list(unreadable.values())

    def _take_over(self, on_assign: OnAssign, partitions: list[TopicPartition]) -> None:
        numbers = [partition.partition for partition in partitions]
        starts = self._start_offsets(on_assign, numbers)
        for partition in partitions:
            start = starts.get(partition.partition)
            partition.offset = self._oldest_offset(partition.partition) if start is None else start
        self._consumer.incremental_assign(partitions)
        self._assigned.update(starts)
        self._floors |= {number: start or 0 for number, start in starts.items()}
        self._seeks |= {number: start for number, start in starts.items() if number in self._gone and start is not None}
        if unknown := [number for number in numbers if starts.get(number) is None]:
            self.pause(unknown)
        if self._is_resting:
            self._pause_fetching(numbers)

    def _oldest_offset(self, partition: int) -> int:
        """Return the oldest offset, for a paused partition. A fetch starts at once; it would fail at a lower offset."""
        try:
            low, _ = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), LOW_S, cached=False)
        except KafkaException:
            return 0
        return int(low)

    def _start_offsets(self, on_assign: OnAssign, numbers: list[int]) -> Mapping[int, int | None]:
        if self._is_closing or not numbers:
            return {}
        # An error raised into librdkafka would end the poll and lose the records that the poll had taken.
        try:
            return on_assign(numbers)
        except MakiserveError as error:
            self._raised = self._raised or error
            return {}

    def _unassign(self, on_gone: OnGone, partitions: list[TopicPartition]) -> None:
        numbers = [partition.partition for partition in partitions if partition.partition in self._assigned]
        try:
            if numbers and not self._is_closing:
                on_gone(numbers)
        except MakiserveError as error:
            self._raised = self._raised or error
        self._consumer.incremental_unassign(partitions)
        self._assigned.difference_update(numbers)
        self._paused.difference_update(numbers)
        self._gone.update(numbers)
        for number in numbers:
            self._seeks.pop(number, None)
