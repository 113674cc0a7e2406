"""Rows in memory as records, by the same rules as rows of a file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import parquet

from makiserve.errors import DecodeError, SourceError
from makiserve.records.content import Content
from makiserve.records.parquet import read_parquet
from makiserve.records.record import Record, Schema
from makiserve.records.unseen import UnseenFields


def read_rows(rows: Any, schema: Schema) -> Iterator[Record | DecodeError]:
    """Return the record of each row, or a `DecodeError` for a row that does not fit.

    Args:
        rows: an iterable of records or dicts, or anything with the Arrow stream interface, such as a pandas or Polars
            data frame or an Arrow table.
        schema: the schema of the records.

    Raises:
        SourceError: `rows` is none of these, or lacks a field of the record.
    """
    if hasattr(rows, "__arrow_c_stream__"):
        return chain.from_iterable(_from_arrow(rows, schema))
    try:
        return (_record(row, schema) for row in rows)
    except TypeError:
        raise SourceError(f"a value {_words(rows)} is not a source: {_EXPECTED}") from None


_EXPECTED = "give a file, a pattern, a folder, a TopicSpan, a data frame, or an iterable of records or dicts"


def _from_arrow(rows: Any, schema: Schema) -> Iterator[Sequence[Record | DecodeError]]:
    file = io.BytesIO()
    try:
        parquet.write_table(pa.table(rows), file)
    except pa.ArrowException as error:
        raise SourceError(f"the {type(rows).__name__} has a column without an Arrow type: {error}") from error
    file.seek(0)
    content, name = Content(b"", file, file), Path(f"the {type(rows).__name__}")
    yield from read_parquet(content, name, schema, UnseenFields(schema))


def _record(row: Any, schema: Schema) -> Record | DecodeError:
    if isinstance(row, (schema.record, DecodeError)):
        return row
    if not isinstance(row, Mapping):
        raise SourceError(f"a row is {_words(row)}, but must be {_name(schema.record)} or a dict: {_EXPECTED}")
    try:
        return schema.decode_messages([msgspec.json.encode(_plain(row), enc_hook=_scalar)])[0]
    except (TypeError, ValueError, OverflowError) as error:
        return DecodeError(f"the row cannot be represented in JSON: {error}")


def _plain(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the row with None for a NaN or NaT, which is how data frames mark a missing value."""
    return {name: None if isinstance(value, float | date) and value != value else value for name, value in row.items()}


def _scalar(value: Any) -> Any:
    if hasattr(value, "item"):  # numpy's
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def _words(value: Any) -> str:
    return "None" if value is None else f"of type {_name(type(value))}"


def _name(kind: type[Any]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
