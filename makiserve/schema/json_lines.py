"""JSON lines as typed records."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from makiserve.errors import DecodeError
from makiserve.schema.content import Content
from makiserve.schema.record import MAX_JSON_BYTES, Record, Schema
from makiserve.schema.unseen import UnseenFields

BLOCK_BYTES = 1 << 22


def read_json_lines(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[list[Record | DecodeError]]:
    """Yield the records of a file with one JSON object a line, in blocks; blank lines are skipped.

    A byte order mark at the beginning is not a part of the first.
    """
    if content.head.startswith(codecs.BOM_UTF8):
        content.stream.read(len(codecs.BOM_UTF8))
    for lines in _lines(content.stream):
        if messages := [line for line in lines if line and not line.isspace()]:
            unseen.see_messages(messages)
            yield schema.decode_messages(messages)


def _lines(stream: BinaryIO) -> Iterator[list[bytes]]:
    begun = b""
    while piece := stream.read(BLOCK_BYTES):
        lines = (begun + piece).split(b"\n")
        begun = lines.pop()[: MAX_JSON_BYTES + 1]  # a longer one is refused, and need not be kept
        yield lines
    yield [begun]
