"""The commit: five steps, in this order, that make everything since the last one visible at once.

1. checkpoint  when one is due, the state of the lanes goes into the transaction, or a slice of it
2. flush       every output, dead letter and checkpoint of the transaction is acknowledged
3. offsets     the next offsets go into the same transaction, with the group's generation, each with its mark
4. commit      the transaction
5. advance     only now do the partitions know themselves committed, and saved

A passing trouble repeats the same step with the same arguments. What cannot be committed raises `AbortTransaction`:
then nothing of the transaction ever becomes visible, and records and state go back to the last commit.
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
"""How long one commit writes checkpoints, so that its transaction ends in time however large they are."""

NOW_MS = 0
"""librdkafka's word for the time at which a record is produced."""


@dataclass(frozen=True)
class Committer:
    """What the five steps work with.

    Attributes:
        state_topic: where checkpoints go; None where the pipelines remember nothing.
        expected: what makes a mark this service's.
    """

    producer: TransactionalProducer
    consumer: InputConsumer
    patience: RetryPolicy
    state_topic: str | None
    expected: StateIdentity

    def commit(self, partitions: Iterable[Partition], *, is_saving: bool, limit_s: float = SLICE_S) -> bool:
        """Commit what the partitions have become since the last commit; return whether there was anything.

        Args:
            partitions: all that are assigned. No checkpoint is taken of one whose state is being scored.
            is_saving: whether checkpoints of all of them are due. Those that were due before, or that must come before
                further records, are written anyway.
            limit_s: for how many seconds checkpoints are written; the rest of them is left to the next commits.

        Raises:
            AbortTransaction: it was not committed: abort, rewind.
            Fenced: another instance has taken over.
            BrokerUnavailable: the broker has been away for too long.
            StateError: a value of the state has no code.
        """
        partitions = list(partitions)
        if is_saving:
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
        """Produce what there is time for of the checkpoints that are due.

        Returns:
            For each partition that is committed the next offset, and the mark that goes with it.
        """
        began, saved = time.monotonic(), set[int]()
        due = [each for each in partitions if each.is_unsaved and (each.is_due or each.must_wait) and not each.is_lent]
        for each in sorted(due, key=lambda each: not each.writer.is_open) if self.state_topic else ():
            spent_s = time.monotonic() - began
            if saved and spent_s > limit_s / 2:
                break  # one that is begun with little time left would take a further commit
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
        """Wait until the broker has every record of the transaction."""
        self.patience.retry(partial(self.producer.flush, CALL_TIMEOUT))

    def step_3_offsets(self, marks: Marks) -> None:
        """Put the offsets into the transaction, once for all partitions."""
        if not marks:
            return  # the first slices of a new state, which has no offset before it is complete
        offsets = {number: (offset, str(mark)) for number, (offset, mark) in marks.items()}
        group = self.consumer.group_metadata()
        self.patience.retry(partial(self.producer.send_offsets, self.consumer.topic, offsets, group, CALL_TIMEOUT))

    def step_4_commit(self) -> None:
        """Make outputs, dead letters, checkpoints and offsets visible at once."""
        self.patience.retry(partial(self.producer.commit, CALL_TIMEOUT))

    def step_5_advance(self, partitions: Iterable[Partition], marks: Marks) -> None:
        """Note in the partitions that they are committed up to their marks."""
        for each in partitions:
            if each.number in marks:
                offset, each.mark = marks[each.number]
                is_saved = each.mark.checkpoint == offset and not each.writer.is_open
                each.commit(offset, has_checkpoint=is_saved)

    def _produce_state(self, each: Partition, key: bytes, value: bytes | None) -> None:
        self.producer.produce(str(self.state_topic), each.number, key, value, None, NOW_MS)

    def _mark(self, each: Partition, *, is_saved: bool) -> tuple[int, OffsetMetadata] | None:
        """Return offset and mark of a partition; None if there is nothing to commit.

        A partition that a checkpoint is written of is committed with each slice, though nothing else is new: the broker
        then refuses the slices of an owner of the past.
        """
        is_complete = is_saved and not each.writer.is_open
        if each.is_urgent and not is_complete:  # what is committed stays as it is
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
