"""The input: a cooperative consumer that hands out all that has arrived, and moves only where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from datetime import timedelta
from typing import Any, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as AnyMessage

from makiserve.errors import AbortTransaction, MakiserveError
from makiserve.kafka.connection import Connection
from makiserve.kafka.errors import END_OF_PARTITION, NOT_STARTED, UNREADABLE, fault, to_error
from makiserve.kafka.message import Message, Unreadable

OnAssign = Callable[[list[int]], Mapping[int, int | None]]
OnGone = Callable[[list[int]], None]


LOW_S = 2.0
"""How long the oldest record of a partition is asked for, in the callback of a rebalance."""


class InputConsumer:
    """One topic, read by one member of the group.

    A partition is given its start with its assignment, or is held until it is moved there: it is assigned at its oldest
    record then, by number, as a seek is lost while librdkafka looks up the end of a partition that was assigned there.
    It is moved by a seek, and never by being assigned anew: while a rebalance waits for on_revoke, librdkafka takes
    that for its end, and the next owner begins before this one has committed.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self.topic = topic
        with to_error("The consumer's settings"):
            self._consumer = Consumer(connection.consumer_settings())
        self._assigned: set[int] = set()
        self._gone: set[int] = set()
        self._moves: dict[int, int] = {}
        self._floors: dict[int, int] = {}
        self._held: set[int] = set()
        self._is_resting = False
        self._kept: list[AnyMessage] = []
        self._raised: MakiserveError | None = None
        self._is_closing = False
        self._is_rejoining = False
        self._join: Callable[[], None] = lambda: None

    @property
    def member(self) -> str:
        """The id that the group has given this member; empty if it is not a member now."""
        return self._consumer.memberid() or ""

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions that are this member's now."""
        return frozenset(self._assigned)

    def subscribe(self, on_assign: OnAssign, on_revoke: OnGone, on_lost: OnGone) -> None:
        """Joins the group. The callbacks are called from inside `receive`.

        Args:
            on_assign: these partitions came; it returns for each the offset to start at, or None to hold it.
            on_revoke: these go when it returns: the last chance to commit.
            on_lost: these are another member's already: whatever is not committed must be dropped.
        """

        def assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._take_over(on_assign, partitions)

        def revoke(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._give_up(on_revoke, partitions)

        def lose(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._give_up(on_lost, partitions)

        def join() -> None:
            with to_error(f"Subscribing to {self.topic}"):
                self._consumer.subscribe([self.topic], on_assign=assign, on_revoke=revoke, on_lost=lose)

        self._join = join
        join()

    def rejoin(self) -> None:
        """Leave the group and join it again, so that it assigns all partitions anew.

        A static member leaves, too: one that joined without leaving would get its old assignment back. The callbacks
        are called by the next calls of `receive`, on_revoke for all partitions first.
        """
        with to_error(f"Leaving the group of {self.topic}"):
            self._consumer.unsubscribe()
        self._is_rejoining = True

    def receive(self, max_records: int, timeout: timedelta) -> list[Message]:
        """All records that have arrived, in order per partition; it waits only while there is none.

        Raises:
            MakiserveError: what a callback raised, or the input's own trouble. No record is lost by it: those that
                came along are given by the next call, unless their partition was moved or taken away meanwhile.
        """
        if self._is_rejoining and not self._assigned:
            self._is_rejoining = False
            self._join()
        self._make_moves()
        self._wake()
        messages = self._take(max_records, timeout)
        records = [message for message in messages if message.error() is None]
        # What was taken before a callback moved or gave away its partition cannot be told from what came after.
        if stale := self._gone | self._held | self._moves.keys():
            records = [record for record in records if record.partition() not in stale]
            self._gone.clear()
        if len(messages) > len(records):
            records += cast("list[AnyMessage]", self._note_errors(messages, stale))
        if self._raised is None:
            return cast("list[Message]", records)
        self._kept = records
        raised, self._raised = self._raised, None
        raise raised

    def move(self, partition: int, offset: int) -> None:
        """Goes on with the record at `offset` from the next `receive` on; what is buffered is dropped."""
        self._kept = [record for record in self._kept if record.partition() != partition]
        self._moves[partition] = self._floors[partition] = offset

    def hold(self, partitions: Iterable[int]) -> None:
        """Give nothing of these partitions until they are moved again; drop what is buffered."""
        held = set(partitions)
        self._moves = {number: offset for number, offset in self._moves.items() if number not in held}
        self._kept = [record for record in self._kept if record.partition() not in held]
        self._held |= held
        self._pause(held)

    def keep_alive(self) -> None:
        """Tells the group that this member lives, while a batch is being scored: no record is taken.

        The callbacks of a rebalance are called from here, too; what they raise is raised by the next `receive`.
        """
        if not self._is_resting:
            self._is_resting = True
            self._pause(self._assigned)
        self._kept += self._poll(0.0)

    def end(self, partition: int) -> int | None:
        """One after the last record of a partition, as the latest fetch has shown it; None before. Nobody is asked."""
        try:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), cached=True)
        except KafkaException:  # the client has never heard of it, or no longer knows it
            return None
        return int(high) if high >= 0 else None

    def group_metadata(self) -> Any:
        """Return this member's generation, for `TransactionalProducer.send_offsets`.

        It fences a member that was replaced. Metadata without a member id would not: a broker takes it for that of a
        client older than this protection, and accepts the offsets.

        Raises:
            AbortTransaction: the group has moved on without this member, which has not been told by a callback yet.
        """
        metadata = self._consumer.consumer_group_metadata()
        if self._assigned and not self.member:
            raise AbortTransaction(f"Committing the offsets of {self.topic}: no longer a member of the group")
        return metadata

    def close(self) -> None:
        """Leaves the group. Nobody is told of the partitions that go: whatever is to be committed is committed before.

        A broker that does not answer is not waited for.
        """
        self._is_closing = True
        with to_error(f"Leaving the group of {self.topic}"):
            self._consumer.close()

    def _take(self, max_records: int, timeout: timedelta) -> list[AnyMessage]:
        if self._kept:
            kept, self._kept = self._kept, []
            return kept
        taken = self._poll(timeout.total_seconds())
        if taken and max_records > 1:
            try:
                with to_error(f"Reading {self.topic}"):
                    taken += self._consumer.consume(max_records - 1, 0)
            except MakiserveError as error:
                self._raised = self._raised or error
        return taken

    def _poll(self, seconds: float) -> list[AnyMessage]:
        try:
            with to_error(f"Reading {self.topic}"):
                message = self._consumer.poll(seconds)
        except MakiserveError as error:
            self._raised = self._raised or error
            return []
        return [] if message is None else [message]

    def _pause(self, partitions: Iterable[int]) -> None:
        with to_error(f"Pausing {self.topic}"):
            self._consumer.pause([TopicPartition(self.topic, number) for number in partitions])

    def _wake(self) -> None:
        if self._is_resting:
            self._is_resting = False
            self._resume(self._assigned - self._held)

    def _resume(self, partitions: Iterable[int]) -> None:
        with to_error(f"Resuming {self.topic}"):
            self._consumer.resume([TopicPartition(self.topic, number) for number in partitions])

    def _make_moves(self) -> None:
        for partition, offset in list(self._moves.items()):
            try:
                self._consumer.seek(TopicPartition(self.topic, partition, offset))
            except KafkaException as error:
                if error.args[0].code() != NOT_STARTED:
                    raise fault(error.args[0], f"Going to {self.topic}[{partition}]@{offset}") from error
            else:
                del self._moves[partition]
                if partition in self._held:
                    self._held.remove(partition)
                    self._resume([partition])

    def _note_errors(self, messages: list[AnyMessage], stale: Set[int]) -> list[Unreadable]:
        """What stands for the records that cannot be read: one in each partition, that the next move goes beyond."""
        found: dict[int, Unreadable] = {}
        for message in messages:
            error, partition = message.error(), int(message.partition() or 0)
            if error is None or error.code() == END_OF_PARTITION or (partition in stale and error.code() in UNREADABLE):
                continue
            if error.code() not in UNREADABLE:
                self._raised = self._raised or fault(error, f"Reading {self.topic}[{partition}]")
            elif partition not in found:
                # The error is the whole batch's, and names its first offset: those before the floor are dealt with.
                offset = max(int(message.offset() or 0), self._floors.get(partition, 0))
                found[partition] = Unreadable(self.topic, partition, offset, error.str())
                self._moves[partition] = self._floors[partition] = offset + 1
        return list(found.values())

    def _take_over(self, on_assign: OnAssign, partitions: list[TopicPartition]) -> None:
        numbers = [partition.partition for partition in partitions]
        starts = self._starts(on_assign, numbers)
        for partition in partitions:
            start = starts.get(partition.partition)
            partition.offset = self._low(partition.partition) if start is None else start
        self._consumer.incremental_assign(partitions)
        self._assigned.update(starts)
        self._floors |= {number: start or 0 for number, start in starts.items()}
        self._moves |= {number: start for number, start in starts.items() if number in self._gone and start is not None}
        if unknown := [number for number in numbers if starts.get(number) is None]:
            self.hold(unknown)
        if self._is_resting:
            self._pause(numbers)

    def _low(self, partition: int) -> int:
        """The oldest record, for a partition that is held: a fetch from before it, on its way at once, would fail."""
        try:
            low, _ = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), LOW_S, cached=False)
        except KafkaException:
            return 0
        return int(low)

    def _starts(self, on_assign: OnAssign, numbers: list[int]) -> Mapping[int, int | None]:
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
        self._held.difference_update(numbers)
        self._gone.update(numbers)
        for number in numbers:
            self._moves.pop(number, None)
