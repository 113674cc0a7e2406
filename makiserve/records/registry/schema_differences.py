"""Compare a record type with a schema of the registry, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError
from makiserve.records.field_errors import type_name
from makiserve.records.inference import InferredField
from makiserve.records.message_context import CONTEXT
from makiserve.records.record import Schema
from makiserve.records.registry.client import RegisteredSchema
from makiserve.records.registry.record_type import record_of_schema
from makiserve.records.typed import TypedColumn

SAMPLES: dict[str, Sequence[Any]] = {
    "bool": (True, False),
    "int": (1, 0, -1, 100, 1_000_000),
    "float": (1.5, -1.5),
    "str": ("text",),
    "bytes": (b"\0",),
    "date": (date(2026, 1, 1),),
    "datetime": (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone.utc)),  # noqa: DTZ001  both kinds
    "time": (time(12),),
    "timedelta": (timedelta(seconds=1),),
    "Decimal": (Decimal(1), Decimal("1.5")),
    "UUID": (UUID(int=1),),
}
"""Values of the types that a schema may have."""

COMPARED = (bool, int, float, str, bytes, date, datetime, time, timedelta, Decimal, UUID)
"""Declared types that are compared. Whether others accept a value depends on more than its type."""

TEXTS = (str, bytes, date, datetime, time, timedelta, Decimal, UUID)
"""Declared types for which a text may be a value."""


def first_difference(registered: RegisteredSchema, schema: Schema) -> str | None:
    """Return the first difference between the fields of a record type and those of a schema; None if there is none.

    Raises:
        DecodeError: the schema cannot be read.
        SourceError: it is not the schema of records.
    """
    listed = record_of_schema("", "", registered).fields
    fields = {alias: field for field in listed for alias in field.aliases} | {field.name: field for field in listed}
    for declared in schema.fields:
        if CONTEXT.fullmatch(declared.encode_name):
            continue
        field = fields.get(declared.encode_name) or fields.get(declared.name)
        if difference := _difference(declared, field):
            return difference
    return None


def _difference(declared: FieldInfo, field: InferredField | None) -> str | None:
    name, kind = declared.encode_name, type_name(declared.type)
    if field is None:
        effect = "records are dead letters" if declared.required else "it keeps its default"
        return f"the schema has no field {name!r}, which is declared as {kind}: {effect}"
    column = TypedColumn(name, declared.type)
    words = field.annotation.split(" | ")
    if column.base in COMPARED and (refused := [word for word in words if not _fits(column, word)]):
        return f"field {name!r} is {' or '.join(refused)} in the schema, and is declared as {kind}"
    if field.is_optional and not column.is_optional and declared.required:
        return f"field {name!r} may be null or missing in the schema, and is declared as {kind}"
    return None


def _fits(column: TypedColumn, word: str) -> bool:
    """Return whether a declared type has values among those of a type of the schema."""
    if word == "str" and column.base in TEXTS:
        return True
    samples = SAMPLES.get(word)
    return samples is None or any(not isinstance(column.value(sample), DecodeError) for sample in samples)
