"""Fields of a record that are not in the value of a message: the message's key, and the attributes of a CloudEvent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError
from makiserve.records.field_errors import missing
from makiserve.records.record import Record, Schema
from makiserve.records.typed import TypedColumn

CONTEXT = re.compile(r"ce_[a-z0-9]+|__key(\..+)?")
"""Names of such fields: an attribute of the event, the key, or a field of the key."""


KEY = "__key"


class ContextFields:
    """The fields of a record that come from a message's context.

    Args:
        schema: the record type.

    Attributes:
        data: the record type with the other fields, which the value of a message is decoded to.
        names: the names of the context's fields.
        keys: the names of the fields that come from the key.
        has_text_key: whether a field has the whole key as text.
        has_attributes: whether a field has an attribute of the event.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._fields = [field for field in schema.fields if CONTEXT.fullmatch(field.encode_name)]
        self.names = tuple(field.encode_name for field in self._fields)
        self.keys = tuple(name for name in self.names if name.startswith(KEY))
        self.has_attributes = len(self.keys) < len(self._fields)
        self._columns = [TypedColumn(field.encode_name, field.type) for field in self._fields]
        self.has_text_key = any(column.name == KEY and column.base is str for column in self._columns)
        self._others = [field.name for field in schema.fields if field not in self._fields]
        kept = [_definition(field) for field in schema.fields if field.name in self._others]
        kind: Any = msgspec.defstruct(
            schema.record.__name__,
            kept,
            bases=(Record,),
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=schema.forbids_unknown,
        )
        self.data = Schema(kind)

    def joined(self, record: Record, context: Mapping[str, Any]) -> Record | DecodeError:
        """Return the whole record of decoded data and the values of the context by name."""
        values = {name: getattr(record, name) for name in self._others}
        for field, column in zip(self._fields, self._columns, strict=True):
            if field.encode_name in context:
                values[field.name] = column.value(context[field.encode_name])
            elif field.required:
                return missing(field.encode_name, field.type)
        return self._schema.from_values(values)


def context_fields(schema: Schema) -> ContextFields | None:
    """Return the fields that come from a message's context; None if the record type declares none."""
    has_context = any(CONTEXT.fullmatch(field.encode_name) for field in schema.fields)
    return ContextFields(schema) if has_context else None


def _definition(field: FieldInfo) -> tuple[str, Any, Any]:
    options: dict[str, Any] = {"name": field.encode_name}
    if field.default_factory is not msgspec.NODEFAULT:
        options["default_factory"] = field.default_factory
    elif field.default is not msgspec.NODEFAULT:
        options["default"] = field.default
    return field.name, field.type, msgspec.field(**options)
