"""Decode messages into batches by partition; records that only restore state are kept separate from live ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import methodcaller
from typing import NamedTuple, Protocol

from makiserve.kafka import Message, MessageDecoder
from makiserve.scoring import Batch
from makiserve.serving.partition import Partition


class Slice(NamedTuple):
    """Successive messages of one partition, either all live or all before the committed offset.

    Attributes:
        messages: messages in offset order.
        batch: the same messages, decoded.
        is_silent: whether they are already committed and only restore state, without output.
        next_offset: the next offset of the partition after them.
    """

    partition: Partition
    messages: list[Message]
    batch: Batch
    is_silent: bool
    next_offset: int

    @property
    def unseen(self) -> Batch:
        """The batch without the records that the state has seen already, if they only restore it."""
        seen = self.partition.seen
        return seen.without(self.batch, [message.offset() or 0 for message in self.messages]) if seen else self.batch


class RecordSplitter(Protocol):
    """Splits records between a champion and a challenger, as `Scorer` does."""

    @property
    def has_challenger(self) -> bool: ...

    def challenged(
        self, keys: Sequence[bytes | None] | None, place: str, offsets: Sequence[int]
    ) -> Sequence[bool] | None: ...


def slices_from_messages(
    messages: Iterable[Message], partitions: Mapping[int, Partition], decoder: MessageDecoder, split: RecordSplitter
) -> Iterator[Slice]:
    """Yield the messages of each partition: first those before its committed offset, then the others.

    The state of each partition is lent to the scoring thread. If a checkpoint must follow the records before the
    committed offset, the others are left out and received again after it. So are a message whose schema is not yet
    known and those after it; its partition then waits for the schema.

    Args:
        messages: messages, in offset order within each partition.
        partitions: partitions by number.
        decoder: decodes the messages.
        split: decides which records belong to the challenger.
    """
    by_partition: dict[int, list[Message]] = {}
    for number, run in groupby(messages, methodcaller("partition")):
        by_partition.setdefault(number, []).extend(run)
    for number, received in by_partition.items():
        yield from _slices(received, partitions[number], decoder, split)


def _slices(
    messages: list[Message], partition: Partition, decoder: MessageDecoder, split: RecordSplitter
) -> Iterator[Slice]:
    records, partition.awaited_schema = decoder.decode(messages)
    messages = messages[: len(records)]
    if not messages:
        return
    committed, lane = partition.position.committed, partition.lend()
    live = bisect_left(messages, committed, key=lambda message: message.offset())
    if partition.is_urgent and live < len(messages):
        batch = Batch(lane, records[:live], _challenged(messages[:live], partition, split))
        yield Slice(partition, messages[:live], batch, True, committed)
        return
    for part, part_records, is_silent in (
        (messages[:live], records[:live], True),
        (messages[live:], records[live:], False),
    ):
        if part:
            batch = Batch(lane, part_records, _challenged(part, partition, split))
            yield Slice(partition, part, batch, is_silent, part[-1].offset() + 1)


def _challenged(messages: list[Message], partition: Partition, split: RecordSplitter) -> Sequence[bool] | None:
    if not split.has_challenger:
        return None
    keys, offsets = [message.key() for message in messages], [message.offset() for message in messages]
    return split.challenged(keys, str(partition), offsets)
