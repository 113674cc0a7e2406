"""The commit: five steps, in this order, that atomically publish everything since the last commit.

1. checkpoint  if one is due, write as much of the state as the time limit allows into the transaction
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
from dataclasses import dataclass, replace
from functools import partial

from makiserve.kafka import InputConsumer, TransactionalProducer
from makiserve.serving.partition import Partition
from makiserve.serving.retry import CALL_TIMEOUT, RetryPolicy
from makiserve.serving.state.offset_metadata import OffsetMetadata, Position, StateIdentity
from makiserve.serving.state.segment_log import METADATA

Positions = dict[int, Position]
"""The positions to commit, by partition."""

SLICE_S = 0.02
"""Time limit for writing checkpoints in one commit, while the loop waits."""

HELD_S = 0.1
"""The same for a partition that is not served until its checkpoint is complete."""

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
    retries: RetryPolicy
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
            for partition in partitions:
                partition.is_due = partition.is_due or partition.is_unsaved
        positions, completed = self.step_1_checkpoint(partitions, limit_s)
        if not positions and not self.producer.is_open:
            return False
        self.step_2_flush()
        self.step_3_offsets(positions)
        self.step_4_commit()
        self.step_5_advance(partitions, positions, completed)
        return True

    def step_1_checkpoint(self, partitions: list[Partition], limit_s: float) -> tuple[Positions, set[int]]:
        """Produce as much of the due checkpoints as the time limit allows.

        Returns:
            The position that each partition has after the commit, only those to commit; and the partitions whose
            checkpoint is complete with it.
        """
        began, saved = time.monotonic(), set[int]()
        due = [
            partition
            for partition in partitions
            if partition.is_unsaved and (partition.is_due or partition.must_wait) and not partition.is_lent
        ]
        due.sort(key=lambda partition: not partition.writer.is_open)
        for partition in due if self.state_topic else ():
            left_s = (limit_s if partition.writer.is_spread else max(limit_s, HELD_S)) - (time.monotonic() - began)
            if saved and left_s <= 0:
                break
            saved.add(partition.number)
            for key, value in partition.writer.write(partition.lane, partition.next_offset, left_s):
                self._produce_state(partition, key, value)
        completed = {
            partition.number for partition in partitions if partition.number in saved and not partition.writer.is_open
        }
        positions = {
            partition.number: position
            for partition in partitions
            if (position := self._next(partition, saved, completed))
        }
        for partition in partitions:
            if partition.number in saved and (partition.number in completed or not partition.must_wait):
                self._produce_state(partition, METADATA, str(positions[partition.number].metadata).encode())
        return positions, completed

    def step_2_flush(self) -> None:
        """Wait until the broker has acknowledged every record of the transaction."""
        self.retries.retry(partial(self.producer.flush, CALL_TIMEOUT))

    def step_3_offsets(self, positions: Positions) -> None:
        """Add the offsets of all partitions to the transaction."""
        if not positions:
            return  # the first slices of a new state, which has no offset until it is complete
        offsets = {number: (position.committed, str(position.metadata)) for number, position in positions.items()}
        group = self.consumer.group_metadata()
        self.retries.retry(partial(self.producer.send_offsets, self.consumer.topic, offsets, group, CALL_TIMEOUT))

    def step_4_commit(self) -> None:
        """Commit outputs, dead letters, checkpoints and offsets atomically."""
        self.retries.retry(partial(self.producer.commit, CALL_TIMEOUT))

    def step_5_advance(self, partitions: Iterable[Partition], positions: Positions, completed: set[int]) -> None:
        """Give the partitions the positions that are committed now."""
        for partition in partitions:
            if partition.number in positions:
                partition.commit(positions[partition.number], is_saved=partition.number in completed)

    def _produce_state(self, partition: Partition, key: bytes, value: bytes | None) -> None:
        self.producer.produce(str(self.state_topic), partition.number, key, value, None, NOW_MS)

    def _next(self, partition: Partition, saved: set[int], completed: set[int]) -> Position | None:
        """Return the position of a partition after the commit; None if there is nothing to commit.

        While a checkpoint is written, each slice commits the offset, even if nothing else is new. The broker then
        refuses slices from a previous owner.
        """
        is_saved, position = partition.number in saved, partition.position
        if partition.is_urgent and partition.number not in completed:  # the committed offset stays as it is
            return position if is_saved and position.metadata else None
        if not (partition.has_uncommitted_work or is_saved):
            return None
        metadata = OffsetMetadata(
            origin=position.origin,
            plan=self.expected.plan or "",
            digest=self.expected.digest,
            partitions=self.expected.partitions,
            input=self.expected.input,
            state_id=partition.writer.state_id if self.state_topic else "",
            checkpoint=partition.writer.checkpoint,
            manifest=partition.writer.manifest,
            model_version=position.model_version,
            since=position.since,
        )
        return replace(
            position,
            committed=partition.next_offset,
            checkpoint=partition.writer.checkpoint,
            is_new=False,
            metadata=metadata,
        )
