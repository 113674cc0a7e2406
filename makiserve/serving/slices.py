"""From messages to batches: decoded, by partition, what only rebuilds state apart from what is live."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from makiserve.kafka import Message, records_from_messages
from makiserve.records import Schema
from makiserve.scoring import Batch, Lane, Scorer
from makiserve.serving.partition import Partition


class Slice(NamedTuple):
    """Messages of one partition in a row, that are all live or all before the committed offset.

    Attributes:
        messages: in the order of their offsets.
        batch: the same, decoded.
        is_silent: whether they were committed before: they rebuild the state and emit nothing.
        next_offset: where the partition is after them.
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

    The states are lent to whoever scores them. If a checkpoint must follow the records before the committed offset, the
    others are left out, to be received again after it.

    Args:
        messages: in the order of each partition.
        partitions: by number.
        schema: of the records.
        scorer: knows which records are the challenger's.
    """
    found: dict[int, list[Message]] = {}
    for message in messages:
        found.setdefault(message.partition(), []).append(message)
    for number, own in found.items():
        yield from _slices(own, partitions[number], schema, scorer)


def _slices(messages: list[Message], partition: Partition, schema: Schema, scorer: Scorer) -> Iterator[Slice]:
    live = bisect_left(messages, partition.committed, key=lambda message: message.offset())
    silent, others, lane = messages[:live], messages[live:], partition.lend()
    if partition.is_urgent and others:
        yield Slice(partition, silent, _batch(lane, silent, partition, schema, scorer), True, partition.committed)
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
