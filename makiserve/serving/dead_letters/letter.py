"""Decode a dead letter: the record as it was received, and why it could not be scored."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from makiserve.kafka import Cluster, Connection, Headers, Message, RangeReader, offset_ranges, read_headers
from makiserve.serving.messages import PREFIX, RETRIED, SOURCE, as_received

MAX_INT64 = 2**63 - 1
OMITTABLE = ("value", "headers", "key")


class Position(NamedTuple):
    """A record's position in a topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


def position_from_text(text: str) -> Position | None:
    """Parse `topic[partition]@offset`; None if the text has another form."""
    found = re.fullmatch(r"(.+)\[([0-9]{1,9})\]@([0-9]{1,18})", text)
    return Position(found[1], int(found[2]), int(found[3])) if found else None


@dataclass(frozen=True)
class DeadLetter:
    """A record that could not be scored.

    Attributes:
        place: position of the dead letter.
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

    place: Position
    source: Position
    reason: str
    error: str
    operator: str
    trace: str
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    omitted: frozenset[str]
    headers: Headers = field(repr=False)
    time_ms: int

    def headers_again(self) -> Headers:
        """Return the headers of the redriven record: its own, and how often it has been redriven."""
        times = sum(_number(value) or 0 for name, value in self.headers if name == RETRIED)
        own = [(name, value) for name, value in self.headers if name != RETRIED]
        return [*own, (RETRIED, str(times + 1).encode())]


def letter_from_message(message: Message) -> DeadLetter | None:
    """Decode a message as a dead letter; None if another program wrote it.

    The headers that makiserve adds follow the record's own headers. The first of them is the source position.
    """
    headers = read_headers(message).headers
    start = max((index for index, (name, _) in enumerate(headers) if name == SOURCE), default=len(headers))
    added = {name.removeprefix(PREFIX): (value or b"").decode(errors="replace") for name, value in headers[start:]}
    source = position_from_text(added.get("source", ""))
    time_ms = _number(added.get("time", "").encode())
    if source is None or "reason" not in added or time_ms is None:
        return None
    return DeadLetter(
        place=Position(message.topic(), message.partition(), message.offset()),
        source=source,
        reason=added["reason"],
        error=added.get("error", ""),
        operator=added.get("operator", ""),
        trace=added.get("traceback", ""),
        key=message.key(),
        value=message.value(),
        omitted=frozenset(part for part in OMITTABLE if f"{part}-omitted" in added),
        headers=as_received(headers[:start]),
        time_ms=time_ms,
    )


def _number(text: bytes | None) -> int | None:
    """Parse the number in a header; None if it is not a number or does not fit into 64 bits."""
    if not re.fullmatch(rb"-?[0-9]{1,19}", text or b""):
        return None
    number = int(text or b"")
    return number if -MAX_INT64 <= number <= MAX_INT64 else None


@dataclass(frozen=True)
class Waiting:
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
    def receipts(self) -> str:
        """The topic of the redrive log: one record per redriven dead letter, keyed by its partition and offset."""
        return f"{self.topic}.put-back"

    def has(self, letter: DeadLetter) -> bool:
        """Return whether a dead letter matches the filter."""
        return (not self.reasons or letter.reason in self.reasons) and (
            not self.sources or str(letter.source) in self.sources
        )


def waiting(connection: Connection, which: Waiting) -> Iterator[DeadLetter]:
    """Yield the dead letters that have not been redriven, in order per partition, up to the current end of the topic.

    Raises:
        ConfigurationError: the topic does not exist.
        BrokerUnavailable: no broker responds.
    """
    done = _put_back(connection, which.receipts)
    for message in _messages(connection, which.topic):
        letter = letter_from_message(message)
        if letter and which.has(letter) and receipt_key(letter) not in done:
            yield letter


def receipt_key(letter: DeadLetter) -> bytes:
    """Return the redrive log key of a dead letter."""
    return f"{letter.place.partition}@{letter.place.offset}".encode()


def _put_back(connection: Connection, receipts: str) -> set[bytes]:
    if not Cluster(connection).has(receipts):
        return set()
    return {message.key() or b"" for message in _messages(connection, receipts)}


def _messages(connection: Connection, topic: str) -> Iterator[Message]:
    found = offset_ranges(connection, topic, "earliest", "latest")
    with RangeReader(connection) as reader:
        for span in found:
            for block in reader.read(span):
                yield from block
