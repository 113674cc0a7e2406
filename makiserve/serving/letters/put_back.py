"""Putting dead letters back: each record into the input again, and a receipt for its letter, in one transaction.

A crash in the middle loses none and doubles none: what is not committed has no receipt, and waits. Two who do it at
once have the same transactional id: the second ends the first. What is put back is a new record at a new offset: it
meets the state that its lane has by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import islice

from makiserve.errors import ConfigurationError, MakiserveError
from makiserve.kafka import Cluster, Connection, Message, SpanReader, TransactionalProducer, insist
from makiserve.serving.letters.letter import DeadLetter
from makiserve.serving.letters.waiting import Waiting, receipt_key, waiting

TOGETHER = 500
CALL = timedelta(seconds=2)
PATIENCE = timedelta(minutes=1)


@dataclass
class PutBack:
    """What came of it.

    Attributes:
        records: how many were put back, by the topic that they went to.
        gone: the letters whose value was only in the input, and is not there any more: they go on waiting.
    """

    records: Counter[str] = field(default_factory=Counter)
    gone: list[DeadLetter] = field(default_factory=list)


def put_back(connection: Connection, which: Waiting) -> PutBack:
    """Put the letters that wait back into the topic and partition that their records came from.

    Args:
        connection: its transactional id is the topic's own.
        which: letters to put back.

    Raises:
        ConfigurationError: a topic is not there, or may not be written to.
        BrokerUnavailable: no broker answers.
        AbortTransaction: a transaction could not be committed: nothing of it was put back.
        Fenced: somebody else puts letters of this topic back.
    """
    Cluster(connection).create_if_absent(which.receipts, 1, {"cleanup.policy": "compact"})
    producer = TransactionalProducer(connection)
    producer.init(PATIENCE)  # before the receipts are read: it ends what a predecessor has left open
    result = PutBack()
    letters = waiting(connection, which)
    with SpanReader(connection) as reader:
        while together := list(islice(letters, TOGETHER)):
            try:
                result.records += _transaction(producer, _with_values(together, reader, result), which.receipts)
            except MakiserveError:
                with suppress(MakiserveError):
                    producer.abort(CALL)
                raise
    return result


def _transaction(
    producer: TransactionalProducer, letters: Iterable[tuple[DeadLetter, bytes | None]], receipts: str
) -> Counter[str]:
    """Records and receipts, visible at once; how many, by topic."""
    done: Counter[str] = Counter()
    for letter, value in letters:
        topic, partition, _ = letter.source
        producer.produce(topic, partition, letter.key, value, letter.headers_again(), letter.time_ms)
        now_ms = int(datetime.now(timezone.utc).timestamp() * 1000)
        producer.produce(receipts, 0, receipt_key(letter), str(letter.source).encode(), None, now_ms)
        done[topic] += 1
    if done:
        insist(partial(producer.flush, CALL), PATIENCE)
        insist(partial(producer.commit, CALL), PATIENCE)
    return done


def _with_values(
    letters: Iterable[DeadLetter], reader: SpanReader, result: PutBack
) -> Iterator[tuple[DeadLetter, bytes | None]]:
    """Each letter with the value of its record; those whose value is gone are noted."""
    for letter in letters:
        if not letter.is_left_out:
            yield letter, letter.value
        elif original := _original(letter, reader):
            yield letter, original.value()
        else:
            result.gone.append(letter)


def _original(letter: DeadLetter, reader: SpanReader) -> Message | None:
    """The record in the input; None where retention has removed it."""
    topic, partition, offset = letter.source
    try:
        span = reader.span(topic, partition, offset, offset + 1, datetime.now(timezone.utc))
    except ConfigurationError:
        return None
    found = [message for block in reader.read(span) for message in block if message.offset() == offset]
    return found[0] if found else None
