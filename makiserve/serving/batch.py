"""From messages to batches: decoded, by partition, what only rebuilds state apart from what is live."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from makiserve.kafka import Message, records_from_messages
from makiserve.schema import Schema
from makiserve.scoring import Batch, Scorer
from makiserve.serving.partition import Partition


class Slice(NamedTuple):
    """Messages of one partition in a row, that are all live or all before the committed offset.

    Attributes:
        messages: in the order of their offsets.
        batch: the same, decoded.
        is_silent: whether they were committed before: they rebuild the state and emit nothing.
    """

    partition: Partition
    messages: list[Message]
    batch: Batch
    is_silent: bool


def slices_from_messages(
    messages: Iterable[Message], partitions: Mapping[int, Partition], schema: Schema, scorer: Scorer
) -> Iterator[Slice]:
    """The messages of each partition: first those before its committed offset, then the others.

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
        partition = partitions[number]
        live = bisect_left(own, partition.committed, key=lambda message: message.offset())
        for part, is_silent in ((own[:live], True), (own[live:], False)):
            if part:
                batch = Batch(partition.lane, records_from_messages(part, schema), _challenged(part, partition, scorer))
                yield Slice(partition, part, batch, is_silent)


def _challenged(messages: list[Message], partition: Partition, scorer: Scorer) -> Sequence[bool] | None:
    if not scorer.has_challenger:
        return None
    keys, offsets = [message.key() for message in messages], [message.offset() for message in messages]
    return scorer.challenged(keys, str(partition), offsets)
