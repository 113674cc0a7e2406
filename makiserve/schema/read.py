"""Files as blocks of typed records, by the ending of their name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from makiserve.errors import DecodeError, SourceError
from makiserve.schema.csv import read_csv
from makiserve.schema.record import Record, Schema

BLOCK_LINES = 8192


class RecordFile:
    """The records of a file, in blocks; a `DecodeError` stands in the place of one that does not fit.

    Args:
        path: a CSV file, or JSON lines where the name ends in `.jsonl` or `.ndjson`.
        schema: what each record must be.

    Raises:
        SourceError: when it is read: the file cannot be read as what its name says.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path = path
        self._schema = schema
        self._file: BinaryIO | None = None
        self._bytes_read = 0

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read."""
        if self._file and not self._file.closed:
            self._bytes_read = self._file.tell()
        return self._bytes_read

    def __iter__(self) -> Iterator[list[Record | DecodeError]]:
        read = read_json_lines if self._path.suffix in (".jsonl", ".ndjson") else read_csv
        try:
            with self._path.open("rb") as self._file:
                yield from read(self._file, self._path, self._schema)
        except OSError as error:
            raise SourceError(f"{self._path}: {error.strerror or error}") from error


def read_json_lines(file: BinaryIO, path: Path, schema: Schema) -> Iterator[list[Record | DecodeError]]:
    """The records of a file with one JSON object a line; blank lines are none."""
    lines = (line for line in file if not line.isspace())
    while block := list(islice(lines, BLOCK_LINES)):
        yield [_record(line, schema) for line in block]


def _record(line: bytes, schema: Schema) -> Record | DecodeError:
    try:
        return schema.decode_json(line)
    except DecodeError as error:
        return error
