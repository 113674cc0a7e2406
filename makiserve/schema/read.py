"""Files as blocks of typed records, by the ending of their name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from makiserve.errors import DecodeError, SourceError
from makiserve.schema.csv import read_csv
from makiserve.schema.record import Record, Schema

BLOCK_LINES = 8192


def read_records(path: Path, schema: Schema) -> Iterator[list[Record | DecodeError]]:
    """The records of a file, in blocks; a `DecodeError` stands in the place of one that does not fit.

    Args:
        path: a CSV file, or JSON lines where the name ends in `.jsonl` or `.ndjson`.
        schema: what each record must be.

    Raises:
        SourceError: the file cannot be read as what its name says.
    """
    if path.suffix in (".jsonl", ".ndjson"):
        return read_json_lines(path, schema)
    return read_csv(path, schema)


def read_json_lines(path: Path, schema: Schema) -> Iterator[list[Record | DecodeError]]:
    """The records of a file with one JSON object a line; blank lines are none."""
    try:
        with path.open("rb") as file:
            lines = (line for line in file if not line.isspace())
            while block := list(islice(lines, BLOCK_LINES)):
                yield [_record(line, schema) for line in block]
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def _record(line: bytes, schema: Schema) -> Record | DecodeError:
    try:
        return schema.decode_json(line)
    except DecodeError as error:
        return error
