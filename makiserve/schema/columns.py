"""Records from columns: which fields a file has, and values side by side as records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError, SourceError
from makiserve.schema.record import Record, Schema

SHOWN = 40  # titles in a message


class Column(Protocol):
    """One field of a file.

    Attributes:
        name: the column's title.
        is_plain: whether a value's conversion is all the checking that the field needs.
    """

    @property
    def name(self) -> str: ...
    @property
    def is_plain(self) -> bool: ...


def declared_in(path: Path, titles: Sequence[str], schema: Schema) -> list[FieldInfo]:
    """The declared fields that a file has, in the order of the declaration.

    Raises:
        SourceError: one that is required is not there or is there twice, or one is not declared and the record forbids
            that.
    """
    declared = {field.encode_name: field for field in schema.fields}
    absent = [name for name, field in declared.items() if field.required and name not in titles]
    if absent:
        raise SourceError(
            f"{path}: no column {', '.join(map(repr, absent))}, which {schema.record.__qualname__} declares; "
            f"the header has {', '.join(map(repr, titles[:SHOWN]))}{', …' if len(titles) > SHOWN else ''}"
        )
    if twice := [name for name in declared if titles.count(name) > 1]:
        raise SourceError(f"{path}: the header names {', '.join(map(repr, twice))} more than once")
    if unknown := [name for name in titles if name not in declared and schema.forbids_unknown]:
        raise SourceError(f"{path}: {schema.record.__qualname__} declares no field {', '.join(map(repr, unknown))}")
    return [field for name, field in declared.items() if name in titles]


def records_from_columns(
    schema: Schema, columns: Sequence[Column], values: Sequence[Sequence[Any]]
) -> list[Record | DecodeError]:
    """The records of values in columns, where a `DecodeError` stands for a value that does not fit.

    They are made by position where no field needs a check beyond its conversion, and one by one where any does.
    """
    defaults = _defaults(schema, columns)
    if schema.is_plain and defaults is not None and all(column.is_plain for column in columns):
        by_name = {column.name: found for column, found in zip(columns, values, strict=True)}
        arguments: list[Iterable[Any]] = [
            by_name.get(field.encode_name) or repeat(defaults.get(field.encode_name)) for field in schema.fields
        ]
        return _with_errors(list(map(schema.record, *arguments)), values)
    names = [column.name for column in columns]
    return [schema.from_values(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


def _defaults(schema: Schema, columns: Sequence[Column]) -> dict[str, Any] | None:
    """The values of the fields that the file does not have; None where a value must be made for each record."""
    names = {column.name for column in columns}
    absent = [field for field in schema.fields if field.encode_name not in names]
    if any(field.default is msgspec.NODEFAULT for field in absent):
        return None
    return {field.encode_name: field.default for field in absent}


def _with_errors(records: list[Any], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Put the error of the first value that does not fit in the place of its record."""
    for column in reversed(values):
        if DecodeError in set(map(type, column)):
            for index, value in enumerate(column):
                if type(value) is DecodeError:
                    records[index] = value
    return records
