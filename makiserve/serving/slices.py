"""Decode messages into batches by partition; records that only restore state are kept separate from live ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from makiserve.kafka import Message, records_from_messages
from makiserve.records import Schema
from makiserve.scoring import Batch, Lane, Scorer
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


def slices_from_messages(
    messages: Iterable[Message], partitions: Mapping[int, Partition], schema: Schema, scorer: Scorer
) -> Iterator[Slice]:
    """Yield the messages of each partition: first those before its committed offset, then the others.

    The state of each partition is lent to the scoring thread. If a checkpoint must follow the records before the
    committed offset, the others are left out and received again after it.

    Args:
        messages: messages, in offset order within each partition.
        partitions: partitions by number.
        schema: schema of the records.
        scorer: decides which records belong to the challenger.
    """
    found: dict[int, list[Message]] = {}
    for message in messages:
        found.setdefault(message.partition(), []).append(message)
    for number, own in found.items():
        yield from _slices(own, partitions[number], schema, scorer)


def _slices(messages: list[Message], partition: Partition, schema: Schema, scorer: Scorer) -> Iterator[Slice]:
    committed = partition.position.committed
    live = bisect_left(messages, committed, key=lambda message: message.offset())
    silent, others, lane = messages[:live], messages[live:], partition.lend()
    if partition.is_urgent and others:
        yield Slice(partition, silent, _batch(lane, silent, partition, schema, scorer), True, committed)
        return
    for part, is_silent in ((silent, True), (others, False)):
        if part:
            batch = _batch(lane, part, partition, schema, scorer)
            yield Slice(partition, part, batch, is_silent, part[-1].offset() + 1)


def _batch(lane: Lane, messages: list[Message], partition: Partition, schema: Schema, scorer: Scorer) -> Batch:
    return Batch(lane, records_from_messages(messages, schema), _challenged(messages, partition, scorer))


def _challenged(messages: list[Message], partition: Partition, scorer: Scorer) -> Sequence[bool] | None:
    if not scorer.has_challenger:
        return None
    keys, offsets = [message.key() for message in messages], [message.offset() for message in messages]
    return scorer.challenged(keys, str(partition), offsets)
