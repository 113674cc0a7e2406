"""A dead letter, taken apart: the record as it came in, and why it could not be scored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from makiserve.kafka import Headers, Message, read_headers
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
