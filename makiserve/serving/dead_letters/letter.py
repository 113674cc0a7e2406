"""A dead letter, taken apart: the record as it came in, and why it could not be scored."""

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
    """A record's place in a topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


def position_from_text(text: str) -> Position | None:
    """Return the place that `topic[partition]@offset` names; None if the text has another form."""
    found = re.fullmatch(r"(.+)\[([0-9]{1,9})\]@([0-9]{1,18})", text)
    return Position(found[1], int(found[2]), int(found[3])) if found else None


@dataclass(frozen=True)
class DeadLetter:
    """A record that could not be scored.

    Attributes:
        place: of the letter.
        source: where the record stands in the input.
        reason: one word, as in metrics.
        error: what was wrong, in words.
        operator: on which operator of the pipeline; empty where on none.
        trace: of the exception; empty where there was none.
        value: of the record; None if it had none, or if it is omitted.
        omitted: which of value, headers and key are only in the input, because the letter would be too large.
        headers: of the record, as it came in.
        time_ms: of the record.
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
        """Return the headers of the record that is put back: its own, and how often it has been put back."""
        times = sum(_number(value) or 0 for name, value in self.headers if name == RETRIED)
        own = [(name, value) for name, value in self.headers if name != RETRIED]
        return [*own, (RETRIED, str(times + 1).encode())]


def letter_from_message(message: Message) -> DeadLetter | None:
    """Return the letter that a message is; None if another program wrote it.

    What makiserve adds is behind the headers that the record came with, and begins with its position.
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
    """Return the number that a header holds; None if it holds something else, or a number of more than 64 bits."""
    if not re.fullmatch(rb"-?[0-9]{1,19}", text or b""):
        return None
    number = int(text or b"")
    return number if -MAX_INT64 <= number <= MAX_INT64 else None


@dataclass(frozen=True)
class Waiting:
    """Which letters to look at.

    Attributes:
        topic: of dead letters.
        reasons: these alone; empty for all.
        sources: those of records at these positions alone, `topic[partition]@offset`; empty for all.
    """

    topic: str
    reasons: Collection[str] = ()
    sources: Collection[str] = ()

    @property
    def receipts(self) -> str:
        """The topic that says which letters have been put back: for each its partition and offset as the key."""
        return f"{self.topic}.put-back"

    def has(self, letter: DeadLetter) -> bool:
        """Whether it is one of those to look at."""
        return (not self.reasons or letter.reason in self.reasons) and (
            not self.sources or str(letter.source) in self.sources
        )


def waiting(connection: Connection, which: Waiting) -> Iterator[DeadLetter]:
    """The letters that wait, each partition's in order, up to the end that the topic has now.

    Raises:
        ConfigurationError: there is no such topic.
        BrokerUnavailable: no broker answers.
    """
    done = _put_back(connection, which.receipts)
    for message in _messages(connection, which.topic):
        letter = letter_from_message(message)
        if letter and which.has(letter) and receipt_key(letter) not in done:
            yield letter


def receipt_key(letter: DeadLetter) -> bytes:
    """The key of a letter's receipt."""
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
