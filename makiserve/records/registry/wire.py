"""Schema ids in messages, in Confluent's wire format: in front of the value, or in a header."""

from __future__ import annotations

from typing import Literal, NamedTuple
from uuid import UUID

from makiserve.errors import DecodeError

VALUE_HEADER = "__value_schema_id"
"""The header with the schema id of a value."""

KEY_HEADER = "__key_schema_id"
"""The header with the schema id of a key."""

WHITE = b" \t\r\n"

NUMBER, GUID = b"\0", b"\1"
SIZES = {NUMBER: 5, GUID: 17}
"""The length of an encoded id, by its first byte."""

MAX_HEADER_BYTES = 64
"""Maximum size of a header with a schema ID."""


class SchemaId(NamedTuple):
    """The id of a schema: a number, or a GUID in newer messages."""

    id: int | UUID

    def __str__(self) -> str:
        return str(self.id)


class Encoded(NamedTuple):
    """A value and how it is encoded.

    Attributes:
        schema: the encoded schema id; empty if the value is plain JSON.
        start: the position in the value at which the data begin.
    """

    schema: bytes
    start: int


PLAIN = Encoded(b"", 0)


def encoding_of(value: bytes, header: bytes | None, part: Literal["value", "key"] = "value") -> Encoded:
    """Return how a value or a key is encoded.

    Args:
        value: the bytes.
        header: the value of the header with the schema id; None if the message has no such header.
        part: the part of the message, for errors.

    Raises:
        DecodeError: the value begins neither with a schema id nor like a JSON object, or the schema id is cut off.
    """
    if header is not None:
        return Encoded(_checked(header, f"the header {KEY_HEADER if part == 'key' else VALUE_HEADER}"), 0)
    if size := SIZES.get(value[:1]):
        return Encoded(_checked(value[:size], f"the {part}"), size)
    if value.lstrip(WHITE)[:1] == b"{":
        return PLAIN
    begin = f"begins with the byte 0x{value[0]:02x}" if value else "is empty"
    raise DecodeError(f"the {part} {begin}: it has no schema id, and it is not a JSON object ({len(value):,} bytes)")


def schema_id(encoded: bytes) -> SchemaId:
    """Return the id that bytes from `encoding_of` stand for."""
    number = encoded[1 : SIZES[encoded[:1]]]
    return SchemaId(UUID(bytes=number) if encoded[:1] == GUID else int.from_bytes(number, "big"))


def id_prefix(number: int) -> bytes:
    """Return the bytes that precede a value to name its schema."""
    return NUMBER + number.to_bytes(4, "big")


def message_indexes(encoded: bytes) -> bytes:
    """Return what follows the id in a header: the encoded indexes of a Protobuf message type; empty otherwise."""
    return encoded[SIZES[encoded[:1]] :]


def _checked(encoded: bytes, place: str) -> bytes:
    size = SIZES.get(encoded[:1])
    if size is None or not size <= len(encoded) <= MAX_HEADER_BYTES:
        raise DecodeError(f"{place} has no complete schema id: {encoded[:20].hex(' ') or 'it is empty'}")
    return encoded
