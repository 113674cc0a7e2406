"""Records from columns: which declared fields a file has, and how its columns become records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError, SourceError
from makiserve.records.field_errors import optional_type, rename_remedy, renamed
from makiserve.records.record import Record, Schema
from makiserve.records.record_table import Cells, FieldColumn, RecordTable, objects

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
        shown = ", ".join(map(repr, titles[:SHOWN])) or "no columns"
        raise SourceError(
            f"{path}: the header lacks {', '.join(map(repr, absent))}, which {schema.record.__qualname__} "
            f"declares; it has {shown}{', …' if len(titles) > SHOWN else ''}. "
            f"{_remedy([declared[name] for name in absent], [title for title in titles if title not in declared])}"
        )
    if twice := [name for name in declared if titles.count(name) > 1]:
        raise SourceError(f"{path}: the header names {', '.join(map(repr, twice))} more than once")
    if unknown := [name for name in titles if name not in declared and schema.forbids_unknown]:
        raise SourceError(f"{path}: {schema.record.__qualname__} does not declare {', '.join(map(repr, unknown))}")
    return [field for name, field in declared.items() if name in titles]


def _remedy(absent: Sequence[FieldInfo], undeclared: Sequence[str]) -> str:
    """Return how to declare a field whose column has another name, for the first one that has a similar name."""
    for field in absent:
        close = get_close_matches(field.encode_name, undeclared, n=1)
        title = next((title for title in undeclared if rename_remedy(field, [title])), close[0] if close else None)
        if title is not None:
            return f"If {title!r} is {field.encode_name!r}, declare {renamed(field, title)}"
    optional = f"declare it {optional_type(absent[0].type)} = None"
    return f"If a column has another name, declare {renamed(absent[0], 'COLUMN')}. If it may be absent, {optional}"


def records_from_columns(schema: Schema, columns: Mapping[str, Cells], count: int) -> Sequence[Record | DecodeError]:
    """Return records from columns of values. A `DecodeError` among a record's values takes the record's place.

    Args:
        schema: the schema of the records.
        columns: the checked values of each field in the file, by its name in the data.
        count: the number of records.
    """
    if schema.is_positional:
        return _table(schema, columns, count)
    values = [_listed(columns.get(field.encode_name), field, count) for field in schema.fields]
    names = [field.name for field in schema.fields]
    return [schema.from_values(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


def _table(schema: Schema, columns: Mapping[str, Cells], count: int) -> RecordTable:
    fields: dict[str, FieldColumn] = {}
    errors: dict[int, DecodeError] = {}
    for field in schema.fields:
        values = columns.get(field.encode_name)
        if values is None or isinstance(values, list):
            listed = _listed(values, field, count)
            field_errors = {index: value for index, value in enumerate(listed) if type(value) is DecodeError}
            errors = field_errors | errors  # the first field's error is the record's
            values = objects((None if type(value) is DecodeError else value for value in listed), count)
        fields[field.name] = values
    return RecordTable(schema.record, fields, errors, count)


def _listed(values: Cells | None, field: FieldInfo, count: int) -> list[Any]:
    """Return the values of a field, or the defaults of a field that is not in the file."""
    if values is None:
        return _defaults(field, count)
    return values if isinstance(values, list) else values.listed()


def _defaults(field: FieldInfo, count: int) -> list[Any]:
    """Return the defaults of a field that is not in the file. Each record gets its own copy of a mutable default."""
    if field.default_factory is not msgspec.NODEFAULT:
        return [field.default_factory() for _ in range(count)]
    return [field.default] * count
