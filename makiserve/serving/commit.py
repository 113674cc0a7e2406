"""The commit: five steps, in this order, that make everything since the last one visible at once.

1. mark       what is to be committed: for each partition the next offset, and with it where its state began
2. flush      every output and dead letter of the transaction is acknowledged
3. offsets    the next offsets go into the same transaction, with the group's generation
4. commit     the transaction
5. advance    only now do the partitions know themselves committed

A passing trouble repeats the same step with the same arguments. What cannot be committed raises `AbortTransaction`:
then nothing of the transaction ever becomes visible, and records and state go back to the last commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from makiserve.errors import StateError
from makiserve.kafka import InputConsumer, TransactionalProducer
from makiserve.serving.partition import Partition
from makiserve.serving.patience import CALL, Patience

Marks = dict[int, tuple[int, str]]


class Mark(msgspec.Struct, frozen=True):
    """What is kept with a committed offset.

    Attributes:
        origin: the offset of the first record that the state has seen: it is rebuilt from there.
        plan: the fingerprint of the pipeline.
    """

    origin: int
    plan: str


def commit(
    producer: TransactionalProducer,
    consumer: InputConsumer,
    partitions: Iterable[Partition],
    plan: str,
    patience: Patience,
) -> bool:
    """Commit what the partitions have become since the last commit; whether there was anything.

    Raises:
        AbortTransaction: it was not committed: abort, rewind.
        Fenced: another instance has taken over.
        BrokerUnavailable: the broker has been away for too long.
    """
    news = [each for each in partitions if each.has_news]
    if not news and not producer.is_open:
        return False
    marks = step_1_mark(news, plan)
    step_2_flush(producer, patience)
    step_3_offsets(producer, consumer, marks, patience)
    step_4_commit(producer, patience)
    step_5_advance(news, marks)
    return True


def step_1_mark(news: Iterable[Partition], plan: str) -> Marks:
    """For each partition the next offset, and what is kept with it."""
    return {each.number: (each.next_offset, _text(Mark(each.origin, plan))) for each in news}


def step_2_flush(producer: TransactionalProducer, patience: Patience) -> None:
    """Wait until the broker has every record of the transaction."""
    patience.insist(partial(producer.flush, CALL))


def step_3_offsets(producer: TransactionalProducer, consumer: InputConsumer, marks: Marks, patience: Patience) -> None:
    """Put the offsets into the transaction, once for all partitions."""
    patience.insist(partial(producer.send_offsets, consumer.topic, marks, consumer.group_metadata()))


def step_4_commit(producer: TransactionalProducer, patience: Patience) -> None:
    """Make outputs, dead letters and offsets visible at once."""
    patience.insist(partial(producer.commit, CALL))


def step_5_advance(news: Iterable[Partition], marks: Marks) -> None:
    """The partitions are committed up to their marks."""
    for each in news:
        each.committed, each.is_new = marks[each.number][0], False


def mark_from_text(text: str) -> Mark | None:
    """The mark that was committed with an offset; None where another program committed it.

    Raises:
        StateError: it is a mark that cannot be read.
    """
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Mark)
    except msgspec.MsgspecError as error:
        raise StateError(
            f"the group's committed offset carries {text[:60]!r}, which is not from makiserve: choose another --group"
        ) from error


def _text(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()
