"""The commit: five steps, in this order, that atomically publish everything since the last commit.

1. checkpoint  if one is due, write the state of the lanes, or a slice of it, into the transaction
2. flush       wait until every output, dead letter and checkpoint of the transaction is acknowledged
3. offsets     add the next offsets and their metadata to the transaction, with the group's generation
4. commit      commit the transaction
5. advance     only now mark the partitions as committed and saved

After a transient error the same step is retried with the same arguments. If the transaction cannot be committed,
`AbortTransaction` is raised: nothing in it ever becomes visible, and records and state are rewound to the last commit.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from makiserve.kafka import InputConsumer, TransactionalProducer
from makiserve.serving.partition import Partition
from makiserve.serving.retry import CALL_TIMEOUT, RetryPolicy
from makiserve.serving.state.checkpoint import MARK, OffsetMetadata
from makiserve.serving.state.restore_plan import StateIdentity

Marks = dict[int, tuple[int, OffsetMetadata]]

SLICE_S = 0.25
"""Time limit for writing checkpoints in one commit, so that its transaction ends in time however large they are."""

NOW_MS = 0
"""librdkafka's value for the current time."""


@dataclass(frozen=True)
class Committer:
    """The five steps of a commit.

    Attributes:
        state_topic: the topic for checkpoints; None if the pipelines are stateless.
        expected: the values that identify this service's state in offset metadata.
    """

    producer: TransactionalProducer
    consumer: InputConsumer
    patience: RetryPolicy
    state_topic: str | None
    expected: StateIdentity

    def commit(self, partitions: Iterable[Partition], *, is_saving: bool, limit_s: float = SLICE_S) -> bool:
        """Commit the progress of the partitions since the last commit; return whether there was any.

        Args:
            partitions: all assigned partitions. A partition whose state is being scored gets no checkpoint.
            is_saving: whether checkpoints of all of them are due. Those that were due before, or that must come before
                further records, are written anyway.
            limit_s: time limit for writing checkpoints, in seconds; the next commits write the rest.

        Raises:
            AbortTransaction: the commit failed: abort and rewind.
            Fenced: another instance has taken over.
            BrokerUnavailable: the broker has been unreachable for too long.
            StateError: a value of the state cannot be encoded.
        """
        partitions = list(partitions)
        if is_saving and self.state_topic:
            for each in partitions:
                each.is_due = each.is_due or each.is_unsaved
        marks = self.step_1_checkpoint(partitions, limit_s)
        if not marks and not self.producer.is_open:
            return False
        self.step_2_flush()
        self.step_3_offsets(marks)
        self.step_4_commit()
        self.step_5_advance(partitions, marks)
        return True

    def step_1_checkpoint(self, partitions: list[Partition], limit_s: float) -> Marks:
        """Produce as much of the due checkpoints as the time limit allows.

        Returns:
            The next offset and its metadata for each partition to commit.
        """
        began, saved = time.monotonic(), set[int]()
        due = [each for each in partitions if each.is_unsaved and (each.is_due or each.must_wait) and not each.is_lent]
        for each in sorted(due, key=lambda each: not each.writer.is_open) if self.state_topic else ():
            spent_s = time.monotonic() - began
            if saved and spent_s > limit_s / 2:
                break  # one begun with little time left would need another commit
            saved.add(each.number)
            for key, value in each.writer.write(each.lane, limit_s - spent_s):
                self._produce_state(each, key, value)
        marks = {
            each.number: found for each in partitions if (found := self._mark(each, is_saved=each.number in saved))
        }
        for each in partitions:
            if each.number in saved and not each.writer.is_open:
                self._produce_state(each, MARK, str(marks[each.number][1]).encode())
        return marks

    def step_2_flush(self) -> None:
        """Wait until the broker has acknowledged every record of the transaction."""
        self.patience.retry(partial(self.producer.flush, CALL_TIMEOUT))

    def step_3_offsets(self, marks: Marks) -> None:
        """Add the offsets of all partitions to the transaction."""
        if not marks:
            return  # the first slices of a new state, which has no offset until it is complete
        offsets = {number: (offset, str(mark)) for number, (offset, mark) in marks.items()}
        group = self.consumer.group_metadata()
        self.patience.retry(partial(self.producer.send_offsets, self.consumer.topic, offsets, group, CALL_TIMEOUT))

    def step_4_commit(self) -> None:
        """Commit outputs, dead letters, checkpoints and offsets atomically."""
        self.patience.retry(partial(self.producer.commit, CALL_TIMEOUT))

    def step_5_advance(self, partitions: Iterable[Partition], marks: Marks) -> None:
        """Mark the partitions as committed up to these offsets."""
        for each in partitions:
            if each.number in marks:
                offset, each.mark = marks[each.number]
                is_saved = each.mark.checkpoint == offset and not each.writer.is_open
                each.commit(offset, has_checkpoint=is_saved)

    def _produce_state(self, each: Partition, key: bytes, value: bytes | None) -> None:
        self.producer.produce(str(self.state_topic), each.number, key, value, None, NOW_MS)

    def _mark(self, each: Partition, *, is_saved: bool) -> tuple[int, OffsetMetadata] | None:
        """Return offset and metadata of a partition; None if there is nothing to commit.

        While a checkpoint is written, each slice commits the offset, even if nothing else is new. The broker then
        refuses slices from a previous owner.
        """
        is_complete = is_saved and not each.writer.is_open
        if each.is_urgent and not is_complete:  # the committed offset stays as it is
            return (each.committed, each.mark) if is_saved and each.mark else None
        if not (each.has_news or is_saved):
            return None
        return each.next_offset, OffsetMetadata(
            origin=each.origin,
            plan=self.expected.plan or "",
            digest=self.expected.digest,
            partitions=self.expected.partitions,
            input=self.expected.input,
            state_id=each.writer.state_id if self.state_topic else "",
            checkpoint=each.next_offset if is_complete else each.checkpoint,
            manifest=each.writer.manifest,
            release=each.release,
            since=each.since,
        )
