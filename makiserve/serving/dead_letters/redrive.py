"""Redrive dead letters: write each record to the input again, and an entry to the redrive log, in one transaction.

A crash neither loses nor duplicates records: a dead letter without a committed log entry is still waiting. Two
processes that redrive at once share a transactional id, so the second fences the first. If a topic refuses a record,
it stays a dead letter and the others are redriven. A redriven record is a new record at a new offset: it is scored
with the state that its lane has by then.
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

from msgspec.structs import astuple

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
from makiserve.serving.dead_letters.dead_letter import (
    DeadLetterFilter,
    StoredDeadLetter,
    redrive_key,
    waiting_dead_letters,
)
from makiserve.serving.messages import Outgoing, Times, refusal

MAX_RECORDS = 500
CALL = timedelta(seconds=2)
RETRY_TIMEOUT = timedelta(minutes=1)

ATTEMPTS = 10
"""After a refusal, responses to the batches that followed it can abort the next transaction, too."""

BATCH_BYTES = 16_384
"""Small enough for the limits of almost any topic."""


@dataclass
class Redrive:
    """The result of a redrive.

    Attributes:
        records: number of redriven records, by the topic that they were written to.
        kept: the dead letters that could not be redriven and are still waiting, each with the reason.
    """

    records: Counter[str] = field(default_factory=Counter)
    kept: list[tuple[StoredDeadLetter, str]] = field(default_factory=list)


class Ready(NamedTuple):
    """A dead letter and the message to write for its record."""

    dead_letter: StoredDeadLetter
    message: Outgoing


def redrive_dead_letters(connection: Connection, which: DeadLetterFilter) -> Redrive:
    """Write the records of waiting dead letters back to the topic and partition that they came from.

    Args:
        connection: its transactional id is specific to the topic.
        which: the dead letters to redrive.

    Raises:
        ConfigurationError: the principal may not write to a topic.
        BrokerUnavailable: no broker responds.
        AbortTransaction: a transaction could not be committed: none of its records were redriven.
        Fenced: another process redrives dead letters of this topic.
    """
    Cluster(connection).create_if_absent(which.redrive_log, 1, {"cleanup.policy": "compact"})
    producer = TransactionalProducer(connection, BATCH_BYTES)
    producer.init(RETRY_TIMEOUT)  # before the redrive log is read: it aborts a predecessor's open transaction
    result = Redrive()
    dead_letters = waiting_dead_letters(connection, which)
    with RangeReader(connection) as reader:
        preparation = _Preparation(connection, reader, result)
        while chunk := list(islice(dead_letters, MAX_RECORDS)):
            ready = list(preparation.ready(chunk))
            try:
                _redrive_together(producer, ready, which.redrive_log, result)
            except MakiserveError:
                with suppress(MakiserveError):
                    producer.abort(CALL)
                raise
    return result


def _redrive_together(producer: TransactionalProducer, ready: Sequence[Ready], log: str, result: Redrive) -> None:
    """Redrive records in one transaction, or each in its own if the topic refuses one of them."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            result.records += _transaction(producer, ready, log)
        except AbortTransaction as error:
            retry(partial(producer.abort, CALL), RETRY_TIMEOUT)
            if isinstance(error, MessageRefused):
                break
            if attempt == ATTEMPTS:
                raise
        else:
            return
    if len(ready) == 1:
        result.kept.append((ready[0].dead_letter, f"{ready[0].message.topic} refused the record"))
    else:
        for single in ready:
            _redrive_together(producer, [single], log, result)


def _transaction(producer: TransactionalProducer, ready: Iterable[Ready], log: str) -> Counter[str]:
    """Write records and redrive log entries in one transaction; return the number of records by topic."""
    done: Counter[str] = Counter()
    for dead_letter, message in ready:
        producer.produce(*astuple(message))
        producer.produce(log, 0, redrive_key(dead_letter), str(dead_letter.source).encode(), None, _now_ms())
        done[message.topic] += 1
    if done:
        retry(partial(producer.flush, CALL), RETRY_TIMEOUT)
        retry(partial(producer.commit, CALL), RETRY_TIMEOUT)
    return done


class _Preparation:
    """Builds messages from dead letters and adds those that cannot be redriven to the result."""

    def __init__(self, connection: Connection, reader: RangeReader, result: Redrive) -> None:
        self._connection = connection
        self._reader = reader
        self._result = result
        self._known: dict[str, tuple[TopicLimits, int]] = {}

    def ready(self, dead_letters: Iterable[StoredDeadLetter]) -> Iterator[Ready]:
        """Yield the messages of the dead letters that can be redriven."""
        for dead_letter in dead_letters:
            message = self._message(dead_letter)
            if isinstance(message, str):
                self._result.kept.append((dead_letter, message))
            else:
                yield Ready(dead_letter, message)

    def _message(self, dead_letter: StoredDeadLetter) -> Outgoing | str:
        """Return the message for a dead letter, or the reason why it cannot be redriven."""
        topic, partition, _ = dead_letter.source
        limits = self._limits_of(topic, partition)
        if limits is None:
            return f"{topic}[{partition}] does not exist, or the principal may not see it"
        if dead_letter.omitted:
            original = _original(dead_letter, self._reader)
            if original is None:
                omitted = " and ".join(sorted(dead_letter.omitted))
                return f"the dead letter lacks the {omitted} of the record, and {dead_letter.source} is gone"
            dead_letter = replace(
                dead_letter, key=original.key(), value=original.value(), headers=read_headers(original).headers
            )
        now_ms = _now_ms()
        time_ms, time = Times(*limits.times(now_ms), now_ms).fit(dead_letter.time_ms)
        message = Outgoing(
            topic, partition, dead_letter.key, dead_letter.value, [*dead_letter.redriven_headers(), *time], time_ms
        )
        return refusal(message, limits) or message

    def _limits_of(self, topic: str, partition: int) -> TopicLimits | None:
        """Return the limits of a topic; None if the topic or partition does not exist."""
        if topic not in self._known:
            limits = Limits(self._connection, [topic])
            limits.read()
            cluster = Cluster(self._connection)
            self._known[topic] = limits.of[topic], cluster.partitions(topic) if cluster.has(topic) else 0
        known, partitions = self._known[topic]
        return known if partition < partitions else None


def _original(dead_letter: StoredDeadLetter, reader: RangeReader) -> Message | None:
    """Return the record in the input; None if retention has removed it or it can no longer be read."""
    topic, partition, offset = dead_letter.source
    try:
        span = reader.offset_range(topic, partition, offset, offset + 1, datetime.now(timezone.utc))
        originals = [message for block in reader.read(span) for message in block if message.offset() == offset]
    except ConfigurationError:
        return None
    return originals[0] if originals else None


def _now_ms() -> int:
    return int(datetime.now(timezone.utc).timestamp() * 1000)
