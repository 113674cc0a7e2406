"""CSV files as typed records, read in columns."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow

from makiserve.errors import DecodeError, SourceError
from makiserve.schema.cells import Column
from makiserve.schema.columns import declared_in, records_from_columns
from makiserve.schema.content import Content
from makiserve.schema.escaped import restored
from makiserve.schema.record import Record, Schema

DELIMITERS = ",;\t|"
BLOCK_BYTES = 1 << 22  # a row must fit in a block


def read_csv(content: Content, path: Path, schema: Schema) -> Iterator[list[Record | DecodeError]]:
    """The records of a CSV file with a header, in blocks; a `DecodeError` stands where a row does not fit.

    Commas, semicolons, tabs or bars, whichever give the header the fields of the record; byte order mark, CRLF, quotes,
    line breaks inside quotes and blank lines are understood; columns that the record does not declare are ignored.

    Raises:
        SourceError: the file is empty, or its header lacks a field of the record.
    """
    delimiter, header, has_rows = _header(content.head, path, schema)
    columns = [Column(field.encode_name, field.type) for field in declared_in(path, header, schema)]
    if not has_rows:
        return
    damaged: deque[arrow.InvalidRow] = deque()

    def set_aside(row: arrow.InvalidRow) -> str:
        damaged.append(row)
        return "skip"

    number = 2  # of the next row, counted as Arrow counts: the header is row 1, blank lines are none
    try:
        with _open(content.escaped(BLOCK_BYTES), delimiter, columns, set_aside) as blocks:
            for block in blocks:
                yield (records := _with_damaged(_records(block, schema, columns), damaged, number))
                number += len(records)
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path}: not a CSV file that can be read: {error}") from error
    if damaged:
        yield [_damage(row) for row in damaged]


def _header(head: bytes, path: Path, schema: Schema) -> tuple[str, list[str], bool]:
    """The delimiter, the titles of the columns, and whether anything follows them."""
    lines = StringIO(head.decode("utf-8-sig", errors="replace"), newline="")
    headers = {}
    for delimiter in DELIMITERS:
        lines.seek(0)
        headers[delimiter] = next(csv.reader(lines, delimiter=delimiter), [])
    wanted = {field.encode_name for field in schema.fields}
    delimiter = max(DELIMITERS, key=lambda delimiter: len(wanted.intersection(headers[delimiter])))
    if not headers[delimiter]:
        raise SourceError(f"{path}: the file is empty: a CSV file begins with a header that names its columns")
    return delimiter, headers[delimiter], bool(lines.read(1))


def _open(file: BinaryIO, delimiter: str, columns: list[Column], on_damage: Any) -> arrow.CSVStreamingReader:
    titles = [column.name for column in columns]
    return arrow.open_csv(
        file,
        read_options=arrow.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=on_damage),
        convert_options=arrow.ConvertOptions(
            include_columns=titles, column_types=dict.fromkeys(titles, pa.binary()), strings_can_be_null=False
        ),
    )


def _records(block: pa.RecordBatch, schema: Schema, columns: list[Column]) -> list[Record | DecodeError]:
    values = [column.values(cells) for column, cells in zip(columns, block.columns, strict=True)]
    return records_from_columns(schema, columns, values)


def _with_damaged(
    records: list[Record | DecodeError], damaged: deque[arrow.InvalidRow], number: int
) -> list[Record | DecodeError]:
    """Put rows with too few or too many cells back in their places; `number` is that of the block's first row."""
    while damaged and damaged[0].number <= number + len(records):
        row = damaged.popleft()
        records.insert(row.number - number, _damage(row))
    return records


def _damage(row: arrow.InvalidRow) -> DecodeError:
    whole = restored(row.text).decode(errors="backslashreplace")
    text = whole if len(whole) <= 60 else whole[:57] + "..."
    return DecodeError(f"{row.actual_columns} cells where the header has {row.expected_columns}: {text!r}", value=text)
