"""CSV files as typed records, read in columns."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow

from makiserve.errors import DecodeError, SourceError
from makiserve.records.cells import CsvColumn
from makiserve.records.content import HEAD_BYTES, Content
from makiserve.records.csv_rows import whole_rows
from makiserve.records.declared_columns import declared_in, records_from_columns
from makiserve.records.escaped import escaped, restored
from makiserve.records.record import Record, Schema
from makiserve.records.unseen import UnseenFields

DELIMITERS = ",;\t|"
BLOCK_BYTES = 1 << 22
BLANK = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*")


class Header(NamedTuple):
    """The first row of a CSV file that is not blank.

    Attributes:
        delimiter: the character between its cells.
        titles: the titles of the columns.
        size: the number of bytes of the file up to the end of the header.
        lines: the number of lines up to there.
    """

    delimiter: str
    titles: list[str]
    size: int
    lines: int


def read_csv(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[Sequence[Record | DecodeError]]:
    """Yield the records of a CSV file with a header, in blocks, with a `DecodeError` for each row that does not fit.

    The delimiter is a comma, semicolon, tab or bar: the one with which the header has the fields of the record. A byte
    order mark, CRLF, quotes, line breaks inside quotes and blank lines are supported. Columns that the record does not
    declare are ignored. If a quote is never closed, only its line is lost and the rest of the file is read.

    Raises:
        SourceError: the file is empty, its header cannot be read, or the header lacks a field of the record.
    """
    header = _header(content.head, path, schema)
    unseen.see_titles(header.titles)
    columns = [
        CsvColumn(field.encode_name, field.type, schema.na_values) for field in declared_in(path, header.titles, schema)
    ]
    for rows in whole_rows(_pieces(content.stream, header.size), header.delimiter, header.lines + 1):
        yield [rows] if isinstance(rows, DecodeError) else _records(rows, path, schema, columns, header)


def _header(head: bytes, path: Path, schema: Schema) -> Header:
    """Return the header of a file that begins with `head`, with the delimiter that gives the most declared fields."""
    blank = BLANK.match(head)
    begin = blank.end() if blank else 0
    lines = head[begin:].splitlines(keepends=True)
    if not lines:
        raise SourceError(f"{path}: the file is empty, but a CSV file must begin with a header that names its columns")
    first = 1 + len(head[:begin].splitlines())
    wanted = {field.encode_name for field in schema.fields}
    headers = [header for delimiter in DELIMITERS if (header := _header_with(delimiter, lines))]
    header = max(headers, key=lambda header: len(wanted.intersection(header.titles)), default=None)
    has_names = header is not None and (len(headers) == len(DELIMITERS) or wanted.intersection(header.titles))
    if not has_names and b'"' in lines[0]:
        raise SourceError(
            f"{path}: line {first}: a quote in the header is not closed, so the columns have no names. Close the "
            "quote, or remove it"
        )
    if header is None or begin + header.size == len(head) == HEAD_BYTES:
        raise SourceError(f"{path}: line {first}: the header is longer than {HEAD_BYTES:,} bytes. Is this a CSV file?")
    return header._replace(size=begin + header.size, lines=first - 1 + header.lines)


def widest_header(head: bytes, path: Path) -> Header:
    """Return the header of a file that begins with `head`, split by the delimiter that gives the maximum of columns.

    Raises:
        SourceError: the file is empty, or its header cannot be read.
    """
    lines = head.lstrip(b"\xef\xbb\xbf\r\n").splitlines(keepends=True)
    headers = [header for delimiter in DELIMITERS if lines and (header := _header_with(delimiter, lines))]
    if not headers:
        raise SourceError(f"{path}: the file has no header that names its columns")
    return max(headers, key=lambda header: len(header.titles))


def _header_with(delimiter: str, lines: list[bytes]) -> Header | None:
    """Return the header for a delimiter; None if a quote is not closed or a name has 131,072 characters."""
    reader = csv.reader((line.decode(errors="replace") for line in lines), delimiter=delimiter, strict=True)
    try:
        titles = next(reader)
    except csv.Error:
        return None
    return Header(delimiter, titles, sum(map(len, lines[: reader.line_num])), reader.line_num)


def _pieces(stream: BinaryIO, begin: int) -> Iterator[bytes]:
    """Yield a stream from a position on, in pieces of equal size, regardless of how much one read returns."""
    while begin:
        begin -= len(stream.read(begin))
    is_last = False
    while not is_last:
        piece = b""
        while len(piece) < BLOCK_BYTES and not is_last:
            piece += (more := stream.read(BLOCK_BYTES - len(piece)))
            is_last = not more
        yield piece


def _records(
    rows: bytes, path: Path, schema: Schema, columns: list[CsvColumn], header: Header
) -> Sequence[Record | DecodeError]:
    damaged: deque[arrow.InvalidRow] = deque()

    def set_aside(row: arrow.InvalidRow) -> str:
        damaged.append(row)
        return "skip"

    titles = [column.name for column in columns]
    data = escaped(rows)
    try:
        table = arrow.read_csv(
            pa.BufferReader(data),
            read_options=arrow.ReadOptions(column_names=header.titles, block_size=len(data) + 1, use_threads=False),
            parse_options=arrow.ParseOptions(
                delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=arrow.ConvertOptions(
                include_columns=titles or header.titles[:1],
                column_types=dict.fromkeys(titles or header.titles[:1], pa.binary()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path}: not readable as CSV: {error}") from error
    values = {column.name: column.cells(table[column.name].combine_chunks()) for column in columns}
    records = records_from_columns(schema, values, table.num_rows)
    return _with_damaged(list(records), damaged) if damaged else records


def _with_damaged(records: list[Record | DecodeError], damaged: deque[arrow.InvalidRow]) -> list[Record | DecodeError]:
    """Insert an error for each row that has too few or too many cells. Rows are numbered from 1."""
    for row in damaged:
        records.insert(row.number - 1, _damage(row))
    return records


def _damage(row: Any) -> DecodeError:
    whole = restored(row.text).decode(errors="backslashreplace")
    text = whole if len(whole) <= 60 else whole[:57] + "..."
    return DecodeError(f"{row.actual_columns} cells, but the header has {row.expected_columns}: {text!r}", value=text)
