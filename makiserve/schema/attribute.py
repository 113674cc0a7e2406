"""A field by the name that a person gives it."""

from __future__ import annotations

from makiserve.errors import ConfigurationError
from makiserve.schema.record import Schema


def attribute_of(schema: Schema, name: str, option: str) -> str:
    """The attribute of a field that the user names as the code or as the data does.

    Raises:
        ConfigurationError: the record has no such field.
    """
    for declared in schema.fields:
        if name in (declared.name, declared.encode_name):
            return declared.name
    names = ", ".join(declared.encode_name for declared in schema.fields)
    raise ConfigurationError(f"{option} {name}: {schema.record.__qualname__} has no such field; it has {names}")
