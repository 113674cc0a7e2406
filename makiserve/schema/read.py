"""Files as blocks of typed records, whatever their format."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from makiserve.errors import DecodeError
from makiserve.schema.content import PARQUET, Content, opened
from makiserve.schema.csv import read_csv
from makiserve.schema.json_lines import read_json_lines
from makiserve.schema.parquet import read_parquet
from makiserve.schema.record import Record, Schema
from makiserve.schema.unseen import UnseenFields

Reader = Callable[[Content, Path, Schema, UnseenFields], Iterator[list[Record | DecodeError]]]

READERS: dict[str, Reader] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_csv,
}
WRAPPED = (".gz", ".zst")
WHITE = codecs.BOM_UTF8 + b" \r\n\t"


class RecordFile:
    """The records of a file, in blocks, with a `DecodeError` for each that does not fit.

    Args:
        path: a CSV, JSON lines or Parquet file, as it is or compressed by gzip or Zstandard; `-` is standard input.
            Parquet and compression are known by their first bytes, `.csv` and `.jsonl` by the name; without such a
            name what begins with a brace is JSON lines.
        schema: what each record must be, and which cells of a CSV file are missing values.

    Attributes:
        unseen: the optional fields that what has been read of the file never had.

    Raises:
        SourceError: when it is read: it is not there, damaged, or cannot be what the schema asks for.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path = path
        self._schema = schema
        self._file: BinaryIO | None = None
        self._bytes_read = 0
        self.unseen = UnseenFields(schema)

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read, as it is stored; 0 for a pipe."""
        if self._file and not self._file.closed and self._file.seekable():
            self._bytes_read = self._file.tell()
        return self._bytes_read

    def __iter__(self) -> Iterator[list[Record | DecodeError]]:
        with opened(self._path) as content:
            self._file = content.file
            self.unseen = UnseenFields(self._schema)
            yield from self._reader(content.head)(content, self._path, self._schema, self.unseen)

    def _reader(self, head: bytes) -> Reader:
        if head.startswith(PARQUET):
            return read_parquet
        suffixes = [suffix for suffix in self._path.suffixes if suffix not in WRAPPED]
        if suffixes and suffixes[-1] in READERS:
            return READERS[suffixes[-1]]
        return read_json_lines if head.lstrip(WHITE).startswith(b"{") else read_csv
