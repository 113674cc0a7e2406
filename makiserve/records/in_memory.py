"""Rows in memory as records, by the same rules as rows of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

import msgspec

from makiserve.errors import DecodeError, SourceError
from makiserve.records.arrow import read_arrow
from makiserve.records.order import Order
from makiserve.records.record import Record, Schema
from makiserve.records.unseen import UnseenFields

BLOCK_RECORDS = 16_384


def read_rows(
    rows: Any, schema: Schema, unseen: UnseenFields, order: Order | None = None
) -> Iterator[Sequence[Record | DecodeError]]:
    """Return the records of rows in blocks, with a `DecodeError` for each row that does not fit.

    Args:
        rows: an iterable of records or dicts, or anything with the Arrow stream interface, such as a pandas or Polars
            data frame or an Arrow table.
        schema: the schema of the records.
        unseen: learns which fields a data frame has.
        order: sorts the rows of a data frame; None to keep their order.

    Raises:
        SourceError: `rows` is none of these, or lacks a field of the record.
    """
    if hasattr(rows, "__arrow_c_stream__"):
        return read_arrow(rows, schema, unseen, order)
    if not isinstance(rows, Iterable):
        raise SourceError(f"a value {_words(rows)} is not a source: {_EXPECTED}")
    records = (_record(row, schema) for row in rows)
    unseen.see_titles(unseen.names)  # records have all of them; the keys of dicts are not compared
    return iter(lambda: list(islice(records, BLOCK_RECORDS)), [])


_EXPECTED = "give a file, a pattern, a folder, a TopicSpan, a data frame, or an iterable of records or dicts"


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
