"""The commit: five steps, in this order, that make everything since the last one visible at once.

1. checkpoint  when one is due, the state of the lanes goes into the transaction
2. flush       every output, dead letter and checkpoint of the transaction is acknowledged
3. offsets     the next offsets go into the same transaction, with the group's generation, each with its mark
4. commit      the transaction
5. advance     only now do the partitions know themselves committed, and saved

A passing trouble repeats the same step with the same arguments. What cannot be committed raises `AbortTransaction`:
then nothing of the transaction ever becomes visible, and records and state go back to the last commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from makiserve.kafka import InputConsumer, TransactionalProducer
from makiserve.serving.partition import Partition
from makiserve.serving.patience import CALL, Patience
from makiserve.serving.state.beginning import Expected
from makiserve.serving.state.mark import Mark

Marks = dict[int, tuple[int, Mark]]

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
    patience: Patience
    state_topic: str | None
    expected: Expected

    def commit(self, partitions: Iterable[Partition], *, is_saving: bool) -> bool:
        """Commit what the partitions have become since the last commit; return whether there was anything.

        Args:
            partitions: all that are assigned. No checkpoint is taken of one whose state is being scored.
            is_saving: whether checkpoints are due; one that must come before further records is written anyway.

        Raises:
            AbortTransaction: it was not committed: abort, rewind.
            Fenced: another instance has taken over.
            BrokerUnavailable: the broker has been away for too long.
            StateError: a value of the state has no code.
        """
        partitions = list(partitions)
        unsaved = [each for each in partitions if each.is_unsaved and not each.is_lent] if self.state_topic else []
        saved = [each for each in unsaved if is_saving or each.is_urgent]
        news = [each for each in partitions if each in saved or (each.has_news and not each.must_wait)]
        if not news and not self.producer.is_open:
            return False
        marks = self.step_1_checkpoint(news, saved)
        self.step_2_flush()
        self.step_3_offsets(marks)
        self.step_4_commit()
        self.step_5_advance(news, marks)
        return True

    def step_1_checkpoint(self, news: Iterable[Partition], saved: list[Partition]) -> Marks:
        """Produce the checkpoints that are due; for each partition the next offset, and the mark that goes with it."""
        marks = {each.number: (each.next_offset, self._mark(each, is_saved=each in saved)) for each in news}
        for each in saved:
            for key, value in each.writer.records(each.lane, marks[each.number][1]):
                self.producer.produce(str(self.state_topic), each.number, key, value, None, NOW_MS)
        return marks

    def step_2_flush(self) -> None:
        """Wait until the broker has every record of the transaction."""
        self.patience.insist(partial(self.producer.flush, CALL))

    def step_3_offsets(self, marks: Marks) -> None:
        """Put the offsets into the transaction, once for all partitions."""
        offsets = {number: (offset, str(mark)) for number, (offset, mark) in marks.items()}
        group = self.consumer.group_metadata()
        self.patience.insist(partial(self.producer.send_offsets, self.consumer.topic, offsets, group, CALL))

    def step_4_commit(self) -> None:
        """Make outputs, dead letters, checkpoints and offsets visible at once."""
        self.patience.insist(partial(self.producer.commit, CALL))

    def step_5_advance(self, news: Iterable[Partition], marks: Marks) -> None:
        """The partitions are committed up to their marks."""
        for each in news:
            offset, mark = marks[each.number]
            each.commit(offset, has_checkpoint=mark.checkpoint == offset)

    def _mark(self, each: Partition, *, is_saved: bool) -> Mark:
        return Mark(
            origin=each.origin,
            plan=self.expected.plan or "",
            digest=self.expected.digest,
            partitions=self.expected.partitions,
            checkpoint=each.next_offset if is_saved else each.checkpoint,
            release=each.release,
            since=each.since,
            lineage=each.writer.lineage if self.state_topic else "",
        )
