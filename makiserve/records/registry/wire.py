"""Schema ids in messages, in Confluent's wire format: in front of the value, or in a header."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from makiserve.errors import DecodeError

VALUE_HEADER = "__value_schema_id"
"""The header with the schema id of a value."""

WHITE = b" \t\r\n"


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


def encoding_of(value: bytes, header: bytes | None) -> Encoded:
    """Return how a value is encoded.

    Args:
        value: the message's.
        header: the value of the header with the schema id; None if the message has no such header.

    Raises:
        DecodeError: the value begins neither with a schema id nor like a JSON object, or the schema id is cut off.
    """
    if header is not None:
        return Encoded(_checked(header, "the header " + VALUE_HEADER), 0)
    if value[:1] == b"\0":
        return Encoded(_checked(value[:5], "the value"), 5)
    if value[:1] == b"\1":
        return Encoded(_checked(value[:17], "the value"), 17)
    if value.lstrip(WHITE)[:1] == b"{":
        return PLAIN
    begin = f"begins with the byte 0x{value[0]:02x}" if value else "is empty"
    raise DecodeError(f"the value {begin}: it has no schema id, and it is not a JSON object ({len(value):,} bytes)")


def schema_id(encoded: bytes) -> SchemaId:
    """Return the id that bytes from `encoding_of` stand for."""
    return SchemaId(int.from_bytes(encoded[1:], "big") if encoded[0] == 0 else UUID(bytes=encoded[1:]))


def _checked(encoded: bytes, place: str) -> bytes:
    """Return an encoded id; in a header a GUID may be followed by what belongs to Protobuf."""
    length = {0: 5, 1: 17}.get(encoded[0] if encoded else -1)
    if length is None or len(encoded) < length:
        raise DecodeError(f"{place} has no complete schema id: {encoded[:20].hex(' ') or 'it is empty'}")
    return encoded[:length]
