"""CSV files as typed records, read in columns."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow

from makiserve.errors import DecodeError, SourceError
from makiserve.schema.cells import Column
from makiserve.schema.record import Record, Schema

BLOCK_BYTES = 1 << 22  # a row must fit in a block


def read_csv(file: BinaryIO, path: Path, schema: Schema) -> Iterator[list[Record | DecodeError]]:
    """The records of a CSV file with a header, in blocks; a `DecodeError` stands where a row does not fit.

    Byte order mark, CRLF, quotes, line breaks inside quotes and blank lines are understood; columns that the record
    does not declare are ignored.

    Raises:
        SourceError: the file is empty, or its header lacks a field of the record.
    """
    header, has_rows = _header(file, path)
    columns = _columns(path, header, schema)
    if not has_rows:
        return
    damaged: deque[arrow.InvalidRow] = deque()

    def set_aside(row: arrow.InvalidRow) -> str:
        damaged.append(row)
        return "skip"

    number = 2  # of the next row, counted as Arrow counts: the header is row 1, blank lines are none
    try:
        with _open(file, columns, set_aside) as blocks:
            for block in blocks:
                yield (records := _with_damaged(_records(block, schema, columns), damaged, number))
                number += len(records)
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path}: not a CSV file that can be read: {error}") from error
    if damaged:
        yield [_damage(row) for row in damaged]


def _header(file: BinaryIO, path: Path) -> tuple[list[str], bool]:
    """The titles of the columns, and whether anything follows them."""
    lines = TextIOWrapper(file, encoding="utf-8-sig", newline="", errors="replace")
    header = next(csv.reader(lines), None)
    has_rows = bool(lines.read(1))
    lines.detach()
    file.seek(0)
    if not header:
        raise SourceError(f"{path}: the file is empty: a CSV file begins with a header that names its columns")
    return header, has_rows


def _columns(path: Path, header: list[str], schema: Schema) -> dict[str, Column]:
    """The declared fields that the header has, by attribute."""
    declared = {field.encode_name: field for field in schema.fields}
    absent = [name for name, field in declared.items() if field.required and name not in header]
    if absent:
        raise SourceError(
            f"{path}: no column {', '.join(map(repr, absent))}, which {schema.record.__qualname__} declares; "
            f"the header has {', '.join(map(repr, header))}"
        )
    if twice := [name for name in declared if header.count(name) > 1]:
        raise SourceError(f"{path}: the header names {', '.join(map(repr, twice))} more than once")
    if unknown := [name for name in header if name not in declared and schema.forbids_unknown]:
        raise SourceError(f"{path}: {schema.record.__qualname__} declares no field {', '.join(map(repr, unknown))}")
    return {field.name: Column(name, field.type) for name, field in declared.items() if name in header}


def _open(file: BinaryIO, columns: dict[str, Column], on_damage: Any) -> arrow.CSVStreamingReader:
    titles = [column.name for column in columns.values()]
    return arrow.open_csv(
        file,
        read_options=arrow.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=arrow.ParseOptions(newlines_in_values=True, invalid_row_handler=on_damage),
        convert_options=arrow.ConvertOptions(
            include_columns=titles, column_types=dict.fromkeys(titles, pa.binary()), strings_can_be_null=False
        ),
    )


def _records(block: pa.RecordBatch, schema: Schema, columns: dict[str, Column]) -> list[Record | DecodeError]:
    """The records of a block of cells: by position where all cells fit and need no further check."""
    values = [column.values(cells) for column, cells in zip(columns.values(), block.columns, strict=True)]
    complete = len(values) == len(schema.fields) and all(column.is_plain for column in columns.values())
    if complete and schema.is_plain and not any(DecodeError in set(map(type, column)) for column in values):
        return list(map(schema.record, *values))
    names = [column.name for column in columns.values()]
    return [schema.from_values(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


def _with_damaged(
    records: list[Record | DecodeError], damaged: deque[arrow.InvalidRow], number: int
) -> list[Record | DecodeError]:
    """Put rows with too few or too many cells back in their places; `number` is that of the block's first row."""
    while damaged and damaged[0].number <= number + len(records):
        row = damaged.popleft()
        records.insert(row.number - number, _damage(row))
    return records


def _damage(row: arrow.InvalidRow) -> DecodeError:
    text = row.text if len(row.text) <= 60 else row.text[:57] + "..."
    return DecodeError(f"{row.actual_columns} cells where the header has {row.expected_columns}: {text!r}", value=text)
