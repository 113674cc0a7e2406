"""A field by the name that a person gives it."""

from __future__ import annotations

from msgspec.structs import FieldInfo

from makiserve.errors import ArgumentError
from makiserve.schema.record import Schema


def attribute_of(schema: Schema, name: str, argument: str) -> str:
    """Return the attribute of a field that the user names as the code or as the data does.

    Raises:
        ArgumentError: the record has no such field.
    """
    for declared in schema.fields:
        if name in (declared.name, declared.encode_name):
            return declared.name
    names = ", ".join(_both_names(declared) for declared in schema.fields)
    raise ArgumentError(argument, name, f"{schema.record.__qualname__} has no such field; it has {names}")


def _both_names(declared: FieldInfo) -> str:
    if declared.name == declared.encode_name:
        return declared.name
    return f"{declared.name} ({declared.encode_name!r} in the data)"
