"""What a service wrote: its outputs or dead letters, by the records that they come from."""

from __future__ import annotations

import re
from typing import NamedTuple

from makiserve.kafka import Connection, Message, SpanReader, place_from_text, read_headers, spans
from makiserve.replaying.comparison.compare import Position

SOURCE, VERSION, DIGEST, REASON = (f"makiserve.{name}" for name in ("source", "version", "digest", "reason"))
"""The headers of what a service writes."""

PLACE = re.compile(r"(.+)\[([0-9]{1,9})\]@([0-9]{1,18})")


class Written(NamedTuple):
    """An output, or a dead letter.

    Attributes:
        position: of the record that it comes from: `topic[partition]` and offset.
        value: of an output; of a dead letter the reason.
        writer: version and digest of the model that made it.
    """

    position: Position
    value: bytes
    writer: tuple[str, str]


def written(reader: SpanReader, connection: Connection, topic: str, source: str) -> dict[str, list[Written]]:
    """All that is in a topic and comes from a record of `source`, by that record's partition, in order.

    Raises:
        ConfigurationError: there is no such topic.
    """
    found: dict[str, list[Written]] = {}
    for span in spans(connection, topic, place_from_text("earliest"), place_from_text("latest")):
        for messages in reader.read(span):
            for one in filter(None, map(_written, messages)):
                if one.position[0].rpartition("[")[0] == source:
                    found.setdefault(one.position[0], []).append(one)
    return found


def _written(message: Message) -> Written | None:
    """Return what a message holds; None if another program wrote it. Of headers with the same name the last counts."""
    headers = {name: value or b"" for name, value in read_headers(message).headers}
    place = PLACE.fullmatch(headers.get(SOURCE, b"").decode(errors="replace"))
    if not place:
        return None
    value = headers.get(REASON, message.value() or b"")
    writer = headers.get(VERSION, b"").decode(errors="replace"), headers.get(DIGEST, b"").decode(errors="replace")
    return Written((f"{place[1]}[{place[2]}]", int(place[3])), value, writer)
