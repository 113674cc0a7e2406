"""Decode a dead letter: the record as it was received, and why it could not be scored."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from makiserve.kafka import Cluster, Connection, Headers, Message, RangeReader, offset_ranges, read_headers
from makiserve.kafka.headers import REDRIVEN, RecordPosition, as_received, decode_headers, number_from_bytes
from makiserve.serving.messages import position

REDRIVE_LOG = ".redriven"
"""The suffix of the topic with the redrive log."""


@dataclass(frozen=True)
class StoredDeadLetter:
    """A record that could not be scored.

    Attributes:
        position: position of the dead letter.
        source: position of the record in the input.
        reason: one word, as in metrics.
        error: the error message.
        operator: the pipeline operator that failed; empty if the error came from no operator.
        trace: traceback of the exception; empty if there was none.
        value: value of the record; None if it had none or if it is omitted.
        omitted: which of value, headers and key are only in the input, because the dead letter would be too large.
        headers: headers of the record, as received.
        time_ms: timestamp of the record.
    """

    position: RecordPosition
    source: RecordPosition
    reason: str
    error: str
    operator: str
    trace: str
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    omitted: frozenset[str]
    headers: Headers = field(repr=False)
    time_ms: int

    def redriven_headers(self) -> Headers:
        """Return the headers of the redriven record: its own, and how often it has been redriven."""
        times = sum(number_from_bytes(value) or 0 for name, value in self.headers if name == REDRIVEN)
        received = [(name, value) for name, value in self.headers if name != REDRIVEN]
        return [*received, (REDRIVEN, str(times + 1).encode())]


def dead_letter_from_message(message: Message) -> StoredDeadLetter | None:
    """Decode a message as a dead letter; None if another program wrote it."""
    added = decode_headers(read_headers(message).headers)
    if added.source is None or "reason" not in added.values or added.time_ms is None:
        return None
    return StoredDeadLetter(
        position=position(message),
        source=added.source,
        reason=added.text("reason"),
        error=added.text("error"),
        operator=added.text("operator"),
        trace=added.text("traceback"),
        key=message.key(),
        value=message.value(),
        omitted=added.omitted,
        headers=as_received(added.record_headers),
        time_ms=added.time_ms,
    )


@dataclass(frozen=True)
class DeadLetterFilter:
    """A filter for dead letters that have not been redriven.

    Attributes:
        topic: the dead-letter topic.
        reasons: only dead letters with one of these reasons; empty for all.
        sources: only records from these positions, `topic[partition]@offset`; empty for all.
    """

    topic: str
    reasons: Collection[str] = ()
    sources: Collection[str] = ()

    @property
    def redrive_log(self) -> str:
        """The topic of the redrive log: one record per redriven dead letter, keyed by its partition and offset."""
        return self.topic + REDRIVE_LOG

    def has(self, dead_letter: StoredDeadLetter) -> bool:
        """Return whether a dead letter matches the filter."""
        return (not self.reasons or dead_letter.reason in self.reasons) and (
            not self.sources or str(dead_letter.source) in self.sources
        )


def waiting_dead_letters(connection: Connection, which: DeadLetterFilter) -> Iterator[StoredDeadLetter]:
    """Yield the dead letters that have not been redriven, in order per partition, up to the current end of the topic.

    Raises:
        ConfigurationError: the topic does not exist.
        BrokerUnavailable: no broker responds.
    """
    done = _redriven(connection, which.redrive_log)
    for message in _messages(connection, which.topic):
        dead_letter = dead_letter_from_message(message)
        if dead_letter and which.has(dead_letter) and redrive_key(dead_letter) not in done:
            yield dead_letter


def redrive_key(dead_letter: StoredDeadLetter) -> bytes:
    """Return the redrive log key of a dead letter."""
    return f"{dead_letter.position.partition}@{dead_letter.position.offset}".encode()


def _redriven(connection: Connection, log: str) -> set[bytes]:
    if not Cluster(connection).has(log):
        return set()
    return {message.key() or b"" for message in _messages(connection, log)}


def _messages(connection: Connection, topic: str) -> Iterator[Message]:
    spans = offset_ranges(connection, topic, "earliest", "latest")
    with RangeReader(connection) as reader:
        for span in spans:
            for block in reader.read(span):
                yield from block
