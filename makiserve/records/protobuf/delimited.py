"""Files of Protobuf messages, each after its length, as typed records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from makiserve.errors import DecodeError, SourceError
from makiserve.records.content import Content
from makiserve.records.protobuf.decoder import MessageReader
from makiserve.records.protobuf.schema import compiled
from makiserve.records.record import MAX_JSON_BYTES, Record, Schema
from makiserve.records.unseen import UnseenFields

BLOCK_BYTES = 1 << 22
MAX_LENGTH_BYTES = 10
"""Maximum number of bytes in a length prefix."""


def read_delimited(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[list[Record | DecodeError]]:
    """Yield the records of a file in blocks, with a `DecodeError` for each that does not fit.

    The messages are of the first type in the .proto file that is next to the data and has their name: `house.proto` for
    `house.pb`. It may import other .proto files of its folder.

    Raises:
        SourceError: the file is damaged, or its .proto file is missing or cannot be compiled.
    """
    reader = _reader(path, schema)
    unseen.see_titles(reader.titles)
    for messages in _messages(content.stream, path):
        yield [_record(reader, message) for message in messages]


def _reader(path: Path, schema: Schema) -> MessageReader:
    name = path.name.partition(".")[0]
    main = path.with_name(f"{name}.proto")
    if not main.exists():
        raise SourceError(f"{path}: the schema of its messages, {main}, does not exist")
    others = [file for file in sorted(main.parent.glob("*.proto")) if file != main]
    try:
        protobuf_schema = compiled(main.read_text(), [(file.name, file.read_text()) for file in others])
        return MessageReader(protobuf_schema.message((0,)), schema)
    except (DecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{main}: {error}") from error


def _record(reader: MessageReader, message: bytes) -> Record | DecodeError:
    try:
        return reader.decode(message)
    except DecodeError as error:
        return error


def _messages(stream: BinaryIO, path: Path) -> Iterator[list[bytes]]:
    """Yield the messages of a stream, in blocks."""
    rest = b""
    while piece := stream.read(BLOCK_BYTES):
        rest += piece
        messages, pos = [], 0
        while (span := _span(rest, pos, path)) and span[1] <= len(rest):
            messages.append(rest[span[0] : span[1]])
            pos = span[1]
        rest = rest[pos:]
        yield messages
    if rest:
        raise SourceError(f"{path}: the last message is incomplete")


def _span(data: bytes, pos: int, path: Path) -> tuple[int, int] | None:
    """Return start and end of the message whose length is at a position; None if the length is incomplete."""
    length = 0
    for index, byte in enumerate(data[pos : pos + MAX_LENGTH_BYTES]):
        length |= (byte & 127) << 7 * index
        if byte < 128:
            if length > MAX_JSON_BYTES:
                raise SourceError(f"{path}: a message of {length:,} bytes, more than {MAX_JSON_BYTES:,}")
            return pos + index + 1, pos + index + 1 + length
    if len(data) - pos >= MAX_LENGTH_BYTES:
        raise SourceError(
            f"{path}: a length prefix of more than {MAX_LENGTH_BYTES} bytes: does the file have length-delimited "
            "messages?"
        )
    return None
