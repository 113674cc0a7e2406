"""A dead letter, taken apart: the record as it came in, and why it could not be scored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from makiserve.kafka import Message

Headers = list[tuple[str, bytes]]

SOURCE = "makiserve.source"
RETRIED = "makiserve.retried"


class Position(NamedTuple):
    """A record's place in a topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


def position_from_text(text: str) -> Position | None:
    """The place that `topic[partition]@offset` names; None where it names none."""
    found = re.fullmatch(r"(.+)\[(\d+)\]@(\d+)", text)
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
        value: of the record; None where it had none, or where it was left out for its length.
        is_left_out: whether the value is only in the input.
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
    is_left_out: bool
    headers: Headers = field(repr=False)
    time_ms: int

    def headers_again(self) -> Headers:
        """Those of the record that is put back: its own, and for how many times it has been."""
        times = sum(int(value) for name, value in self.headers if name == RETRIED)
        own = [(name, value) for name, value in self.headers if name != RETRIED]
        return [*own, (RETRIED, str(times + 1).encode())]


def letter_from_message(message: Message) -> DeadLetter | None:
    """The letter that a message is; None where another program wrote it.

    What makiserve adds stands behind the headers that the record came with, and begins with its position. The record
    may have such a header too, where it is the output of another service.
    """
    headers = message.headers() or []
    start = max((index for index, (name, _) in enumerate(headers) if name == SOURCE), default=len(headers))
    added = {name.removeprefix("makiserve."): value.decode(errors="replace") for name, value in headers[start:]}
    source = position_from_text(added.get("source", ""))
    time_ms = added.get("time", "")
    if source is None or "reason" not in added or not re.fullmatch(r"-?\d+", time_ms):
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
        is_left_out="value-omitted" in added,
        headers=headers[:start],
        time_ms=int(time_ms),
    )
