"""Records from columns: which declared fields a file has, and how its columns become records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError, SourceError
from makiserve.records.record import Record, Schema

SHOWN = 40  # titles in a message


def declared_in(path: Path, titles: Sequence[str], schema: Schema) -> list[FieldInfo]:
    """Return the declared fields that a file has, in the order of the declaration.

    Raises:
        SourceError: a required field is missing, a field occurs twice, or a field is not declared and the record
            forbids that.
    """
    declared = {field.encode_name: field for field in schema.fields}
    absent = [name for name, field in declared.items() if field.required and name not in titles]
    if absent:
        raise SourceError(
            f"{path}: the header lacks {', '.join(map(repr, absent))}, which {schema.record.__qualname__} "
            f"declares; it has {', '.join(map(repr, titles[:SHOWN]))}{', …' if len(titles) > SHOWN else ''}"
        )
    if twice := [name for name in declared if titles.count(name) > 1]:
        raise SourceError(f"{path}: the header names {', '.join(map(repr, twice))} more than once")
    if unknown := [name for name in titles if name not in declared and schema.forbids_unknown]:
        raise SourceError(f"{path}: {schema.record.__qualname__} does not declare {', '.join(map(repr, unknown))}")
    return [field for name, field in declared.items() if name in titles]


def records_from_columns(
    schema: Schema, columns: Mapping[str, Sequence[Any]], count: int
) -> list[Record | DecodeError]:
    """Return records from columns of values. A `DecodeError` among a record's values takes the record's place.

    Args:
        schema: the schema of the records.
        columns: the checked values of each field in the file, by its name in the data.
        count: the number of records.
    """
    values: list[Iterable[Any]] = [
        columns[field.encode_name] if field.encode_name in columns else _defaults(field, count)
        for field in schema.fields
    ]
    if schema.is_positional:
        return _with_errors(list(map(schema.record, *values)) if values else _empty(schema, count), columns.values())
    names = [field.name for field in schema.fields]
    return [schema.from_values(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


def _defaults(field: FieldInfo, count: int) -> Iterable[Any]:
    """Return the defaults of a field that is not in the file. Each record gets its own copy of a mutable default."""
    if field.default_factory is not msgspec.NODEFAULT:
        return [field.default_factory() for _ in range(count)]
    return repeat(field.default, count)


def _empty(schema: Schema, count: int) -> list[Any]:
    return [schema.record() for _ in range(count)]


def _with_errors(records: list[Any], columns: Collection[Sequence[Any]]) -> list[Any]:
    """Replace each record that has values that do not fit with the error of the first one."""
    for column in reversed(list(columns)):
        if DecodeError in set(map(type, column)):
            for index, value in enumerate(column):
                if type(value) is DecodeError:
                    records[index] = value
    return records
