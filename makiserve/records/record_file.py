"""Files as typed records, and the reader of JSON lines."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from makiserve.errors import DecodeError
from makiserve.records.content import AVRO, PARQUET, Content, opened
from makiserve.records.csv import read_csv
from makiserve.records.parquet import read_parquet
from makiserve.records.record import MAX_JSON_BYTES, Record, Schema
from makiserve.records.unseen import UnseenFields

BLOCK_BYTES = 1 << 22


def read_json_lines(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[Sequence[Record | DecodeError]]:
    """Yield the records of a file with one JSON object per line, in blocks. Skip blank lines.

    A byte order mark at the beginning is skipped, too.
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
        begun = lines.pop()[: MAX_JSON_BYTES + 1]  # a longer line is refused, so the rest of it is not needed
        yield lines
    yield [begun]


Reader = Callable[[Content, Path, Schema, UnseenFields], Iterator[Sequence[Record | DecodeError]]]


def _read_avro(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[list[Record | DecodeError]]:
    from makiserve.records.avro.container import read_avro  # slow to import, and rarely needed

    return read_avro(content, path, schema, unseen)


def _read_delimited(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[list[Record | DecodeError]]:
    from makiserve.records.protobuf.delimited import read_delimited  # as above

    return read_delimited(content, path, schema, unseen)


READERS: dict[str, Reader] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".pb": _read_delimited,
}
WRAPPED = (".gz", ".zst")
WHITE = codecs.BOM_UTF8 + b" \r\n\t"


class RecordFile:
    """The records of a file, in blocks, with a `DecodeError` for each that does not fit.

    Args:
        path: a CSV, JSON lines, Parquet or Avro file, or one of Protobuf messages, optionally compressed with gzip or
            Zstandard; `-` is standard input. Parquet, Avro and compression are recognized by their first bytes, `.csv`,
            `.jsonl` and `.pb` by the file name. Without such a name, a file that begins with a brace is read as JSON
            lines.
        schema: the record type, and which cells of a CSV file are missing values.

    Attributes:
        unseen: the optional fields that did not occur in what has been read so far.

    Raises:
        SourceError: while iterating. The file does not exist, is damaged, or cannot contain the schema's records.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path = path
        self._schema = schema
        self._file: BinaryIO | None = None
        self._bytes_read = 0
        self.unseen = UnseenFields(schema)

    @property
    def bytes_read(self) -> int:
        """The number of stored bytes that have been read; 0 for a pipe."""
        if self._file and not self._file.closed and self._file.seekable():
            self._bytes_read = self._file.tell()
        return self._bytes_read

    def __iter__(self) -> Iterator[Sequence[Record | DecodeError]]:
        with opened(self._path) as content:
            self._file = content.file
            self.unseen = UnseenFields(self._schema)
            yield from self._reader(content.head)(content, self._path, self._schema, self.unseen)

    def _reader(self, head: bytes) -> Reader:
        if head.startswith(PARQUET):
            return read_parquet
        if head.startswith(AVRO):
            return _read_avro
        suffixes = [suffix for suffix in self._path.suffixes if suffix not in WRAPPED]
        if suffixes and suffixes[-1] in READERS:
            return READERS[suffixes[-1]]
        return read_json_lines if head.lstrip(WHITE).startswith(b"{") else read_csv
