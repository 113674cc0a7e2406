"""The input: a cooperative consumer that hands out all that has arrived, and moves only where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple, cast

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as AnyMessage

from makiserve.errors import MakiserveError, RetryCall
from makiserve.kafka.codes import END_OF_PARTITION, MISSING, NOT_STARTED
from makiserve.kafka.connection import Connection
from makiserve.kafka.faults import fault, translated
from makiserve.kafka.message import Message

OnAssign = Callable[[list[int]], Mapping[int, int]]
OnGone = Callable[[list[int]], None]


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

    A partition is given its start with its assignment: a seek is lost while librdkafka looks up the end of a partition
    that was assigned there. It is moved by a seek, and never by being assigned anew: while a rebalance waits for
    on_revoke, librdkafka takes that for its end, and the next owner begins before this one has committed.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self.topic = topic
        with translated("The consumer's settings"):
            self._consumer = Consumer(connection.consumer_settings())
        self._assigned: set[int] = set()
        self._gone: set[int] = set()
        self._moves: dict[int, int] = {}
        self._kept: list[AnyMessage] = []
        self._raised: MakiserveError | None = None
        self._is_closing = False

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions that are this member's now."""
        return frozenset(self._assigned)

    def subscribe(self, on_assign: OnAssign, on_revoke: OnGone, on_lost: OnGone) -> None:
        """Joins the group. The callbacks are called from inside `receive`.

        Args:
            on_assign: these partitions came; it returns for each the offset to start at.
            on_revoke: these go when it returns: the last chance to commit.
            on_lost: these are another member's already: whatever is not committed must be dropped.
        """

        def assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._take_over(on_assign, partitions)

        def revoke(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._give_up(on_revoke, partitions)

        def lose(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._give_up(on_lost, partitions)

        with translated(f"Subscribing to {self.topic}"):
            self._consumer.subscribe([self.topic], on_assign=assign, on_revoke=revoke, on_lost=lose)

    def receive(self, max_records: int, timeout: timedelta) -> list[Message]:
        """All records that have arrived, in order per partition; it waits only while there is none.

        Raises:
            MakiserveError: what a callback raised, or the input's own trouble. No record is lost by it: those that
                came along are given by the next call, unless their partition was moved or taken away meanwhile.
        """
        self._make_moves()
        messages = self._take(max_records, timeout)
        records = [message for message in messages if message.error() is None]
        if len(records) < len(messages):
            self._note_errors(messages)
        # What was taken before a callback moved or gave away its partition cannot be told from what came after.
        if stale := self._gone | self._moves.keys():
            records = [record for record in records if record.partition() not in stale]
            self._gone.clear()
        if self._raised is None:
            return cast("list[Message]", records)
        self._kept = records
        raised, self._raised = self._raised, None
        raise raised

    def move(self, partition: int, offset: int) -> None:
        """Goes on with the record at `offset` from the next `receive` on; what is buffered is dropped."""
        self._kept = [record for record in self._kept if record.partition() != partition]
        self._moves[partition] = offset

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
        place = TopicPartition(self.topic, partition)
        try:
            return Watermarks(*self._consumer.get_watermark_offsets(place, timeout.total_seconds(), cached=False))
        except KafkaException as error:
            doing, reason = f"Asking for the ends of {self.topic}[{partition}]", error.args[0]
            if (
                reason.code() in MISSING
            ):  # it was assigned: a client that has lost its brokers says that it is not there
                raise RetryCall(f"{doing}: {reason.str()}") from error
            raise fault(reason, doing) from error

    def group_metadata(self) -> Any:
        """This member's generation, for `TransactionalProducer.send_offsets`: it fences a member that was replaced."""
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        """Leaves the group. Nobody is told of the partitions that go: whatever is to be committed is committed before.

        A broker that does not answer is not waited for.
        """
        self._is_closing = True
        with translated(f"Leaving the group of {self.topic}"):
            self._consumer.close()

    def _take(self, max_records: int, timeout: timedelta) -> list[AnyMessage]:
        if self._kept:
            kept, self._kept = self._kept, []
            return kept
        taken: list[AnyMessage] = []
        try:
            with translated(f"Reading {self.topic}"):
                first = self._consumer.poll(timeout.total_seconds())
                if first is not None:
                    taken.append(first)
                    taken += self._consumer.consume(max_records - 1, 0) if max_records > 1 else []
        except MakiserveError as error:
            self._raised = self._raised or error
        return taken

    def _make_moves(self) -> None:
        for partition, offset in list(self._moves.items()):
            try:
                self._consumer.seek(TopicPartition(self.topic, partition, offset))
            except KafkaException as error:
                if error.args[0].code() != NOT_STARTED:
                    raise fault(error.args[0], f"Going to {self.topic}[{partition}]@{offset}") from error
            else:
                del self._moves[partition]

    def _note_errors(self, messages: list[AnyMessage]) -> None:
        for message in messages:
            error = message.error()
            if error is not None and error.code() != END_OF_PARTITION:
                self._raised = self._raised or fault(error, f"Reading {self.topic}[{message.partition()}]")

    def _take_over(self, on_assign: OnAssign, partitions: list[TopicPartition]) -> None:
        starts = self._starts(on_assign, [partition.partition for partition in partitions])
        for partition in partitions:
            partition.offset = starts.get(partition.partition, OFFSET_END)
        self._consumer.incremental_assign(partitions)
        if starts:
            self._assigned.update(starts)
            self._moves |= {number: starts[number] for number in self._gone & starts.keys()}
        else:
            self._consumer.pause(partitions)  # nobody knows where they start: they must give nothing

    def _starts(self, on_assign: OnAssign, numbers: list[int]) -> Mapping[int, int]:
        if self._is_closing or not numbers:
            return {}
        # Raised into librdkafka an error would end the poll, and the records that the poll had taken would be lost.
        try:
            return on_assign(numbers)
        except MakiserveError as error:
            self._raised = self._raised or error
            return {}

    def _give_up(self, on_gone: OnGone, partitions: list[TopicPartition]) -> None:
        numbers = [partition.partition for partition in partitions if partition.partition in self._assigned]
        try:
            if numbers and not self._is_closing:
                on_gone(numbers)
        except MakiserveError as error:
            self._raised = self._raised or error
        self._consumer.incremental_unassign(partitions)
        self._assigned.difference_update(numbers)
        self._gone.update(numbers)
        for number in numbers:
            self._moves.pop(number, None)
