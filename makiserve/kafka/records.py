"""Messages as records: what serving, replay and audit make of the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from makiserve.errors import DecodeError
from makiserve.kafka.message import Message, Unreadable
from makiserve.schema import Record, Schema


def records_from_messages(messages: Sequence[Message], schema: Schema) -> list[Record | DecodeError]:
    """The records; a `DecodeError` stands in the place of one that does not fit or cannot be read."""
    records = schema.decode_messages([message.value() for message in messages])
    if Unreadable in set(map(type, messages)):
        for index, message in enumerate(messages):
            if isinstance(message, Unreadable):
                records[index] = DecodeError(message.trouble)
    return records
