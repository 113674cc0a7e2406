"""Put dead letters back: each record into the input again, and a receipt for its letter, in one transaction.

A crash in the middle loses none and doubles none: what is not committed has no receipt, and waits. Two processes that
do it at once have the same transactional id: the second ends the first. A record that its topic does not take stays
a letter, and the others are put back. What is put back is a new record at a new offset: it
meets the state that its lane has by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import islice
from typing import NamedTuple

from makiserve.errors import AbortTransaction, ConfigurationError, MakiserveError, MessageRefused
from makiserve.kafka import (
    Cluster,
    Connection,
    Limits,
    Message,
    RangeReader,
    TopicLimits,
    TransactionalProducer,
    read_headers,
    retry,
)
from makiserve.serving.dead_letters.letter import DeadLetter, Waiting, receipt_key, waiting
from makiserve.serving.messages import Outgoing, Times, refusal

TOGETHER = 500
CALL = timedelta(seconds=2)
PATIENCE = timedelta(minutes=1)

ATTEMPTS = 10
"""After a refusal, answers to the batches behind it can end the next transaction, too."""

BATCH_BYTES = 16_384
"""Small: most topics take a batch of this size."""


@dataclass
class Redrive:
    """What came of it.

    Attributes:
        records: how many were put back, by the topic that they went to.
        kept: the letters that could not be put back, each with the reason: they are still waiting.
    """

    records: Counter[str] = field(default_factory=Counter)
    kept: list[tuple[DeadLetter, str]] = field(default_factory=list)


class Ready(NamedTuple):
    """A letter, and the message that its record becomes."""

    letter: DeadLetter
    message: Outgoing


def redrive_dead_letters(connection: Connection, which: Waiting) -> Redrive:
    """Put the letters that wait back into the topic and partition that their records came from.

    Args:
        connection: its transactional id is the topic's own.
        which: letters to put back.

    Raises:
        ConfigurationError: a topic may not be written to.
        BrokerUnavailable: no broker answers.
        AbortTransaction: a transaction could not be committed: nothing of it was put back.
        Fenced: another process puts letters of this topic back.
    """
    Cluster(connection).create_if_absent(which.receipts, 1, {"cleanup.policy": "compact"})
    producer = TransactionalProducer(connection, BATCH_BYTES)
    producer.init(PATIENCE)  # before the receipts are read: it ends what a predecessor has left open
    result = Redrive()
    letters = waiting(connection, which)
    with RangeReader(connection) as reader:
        preparation = _Preparation(connection, reader, result)
        while together := list(islice(letters, TOGETHER)):
            ready = list(preparation.ready(together))
            try:
                _put_back_together(producer, ready, which.receipts, result)
            except MakiserveError:
                with suppress(MakiserveError):
                    producer.abort(CALL)
                raise
    return result


def _put_back_together(producer: TransactionalProducer, ready: Sequence[Ready], receipts: str, result: Redrive) -> None:
    """Put records back in one transaction, or each in its own if the topic refuses one of them."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            result.records += _transaction(producer, ready, receipts)
        except AbortTransaction as error:
            retry(partial(producer.abort, CALL), PATIENCE)
            if isinstance(error, MessageRefused):
                break
            if attempt == ATTEMPTS:
                raise
        else:
            return
    if len(ready) == 1:
        result.kept.append((ready[0].letter, f"{ready[0].message.topic} refuses the record"))
    else:
        for alone in ready:
            _put_back_together(producer, [alone], receipts, result)


def _transaction(producer: TransactionalProducer, ready: Iterable[Ready], receipts: str) -> Counter[str]:
    """Write records and receipts, visible at once; return how many records, by topic."""
    done: Counter[str] = Counter()
    for letter, message in ready:
        producer.produce(*message)
        producer.produce(receipts, 0, receipt_key(letter), str(letter.source).encode(), None, _now_ms())
        done[message.topic] += 1
    if done:
        retry(partial(producer.flush, CALL), PATIENCE)
        retry(partial(producer.commit, CALL), PATIENCE)
    return done


class _Preparation:
    """Makes messages of letters; those that cannot be put back are noted in the result."""

    def __init__(self, connection: Connection, reader: RangeReader, result: Redrive) -> None:
        self._connection = connection
        self._reader = reader
        self._result = result
        self._known: dict[str, tuple[TopicLimits, int]] = {}

    def ready(self, letters: Iterable[DeadLetter]) -> Iterator[Ready]:
        """Return the messages of the letters that can be put back."""
        for letter in letters:
            message = self._message(letter)
            if isinstance(message, str):
                self._result.kept.append((letter, message))
            else:
                yield Ready(letter, message)

    def _message(self, letter: DeadLetter) -> Outgoing | str:
        """Return the message of a letter, or why there is none."""
        topic, partition, _ = letter.source
        limits = self._limits_of(topic, partition)
        if limits is None:
            return f"there is no {topic}[{partition}], or the principal may not see it"
        if letter.omitted:
            original = _original(letter, self._reader)
            if original is None:
                return f"{letter.source} is gone, and with it the {' and '.join(sorted(letter.omitted))} of the record"
            letter = replace(letter, key=original.key(), value=original.value(), headers=read_headers(original).headers)
        now_ms = _now_ms()
        time_ms, time = Times(*limits.times(now_ms), now_ms).fit(letter.time_ms)
        message = Outgoing(topic, partition, letter.key, letter.value, [*letter.headers_again(), *time], time_ms)
        return refusal(message, limits) or message

    def _limits_of(self, topic: str, partition: int) -> TopicLimits | None:
        """Return what a topic takes; None if there is no such topic or partition."""
        if topic not in self._known:
            limits = Limits(self._connection, [topic])
            limits.read()
            cluster = Cluster(self._connection)
            self._known[topic] = limits.of[topic], cluster.partitions(topic) if cluster.has(topic) else 0
        found, partitions = self._known[topic]
        return found if partition < partitions else None


def _original(letter: DeadLetter, reader: RangeReader) -> Message | None:
    """Return the record in the input; None if retention has removed it or it can no longer be read."""
    topic, partition, offset = letter.source
    try:
        span = reader.span(topic, partition, offset, offset + 1, datetime.now(timezone.utc))
        found = [message for block in reader.read(span) for message in block if message.offset() == offset]
    except ConfigurationError:
        return None
    return found[0] if found else None


def _now_ms() -> int:
    return int(datetime.now(timezone.utc).timestamp() * 1000)
