"""From messages to batches: decoded, by partition, what only rebuilds state apart from what is live."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from makiserve.errors import DecodeError
from makiserve.kafka import Message, Unreadable
from makiserve.schema import Record, Schema
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
                records = [_record(message, schema) for message in part]
                keys, offsets = ([message.key() for message in part], [message.offset() for message in part])
                is_challenged = scorer.challenged(keys, str(partition), offsets)
                yield Slice(partition, part, Batch(partition.lane, records, is_challenged), is_silent)


def _record(message: Message, schema: Schema) -> Record | DecodeError:
    value = message.value()
    if isinstance(message, Unreadable):
        return DecodeError(message.trouble)
    if value is None:
        return DecodeError("the message has no value")
    try:
        return schema.decode_json(value)
    except DecodeError as error:
        return error
