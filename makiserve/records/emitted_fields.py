"""The named fields of what a pipeline emits."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

import msgspec
from msgspec.structs import FieldInfo

from makiserve.errors import ArgumentError
from makiserve.records.record import Schema

FIELD = type(msgspec.field())


def field_names(kind: type[Any]) -> tuple[str, ...] | None:
    """Return the field names of a named tuple, Struct or dataclass, in order; None for any other type."""
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


def field_titles(kind: type[Any]) -> dict[str, str]:
    """Return each field's name in the data, by attribute: from `makiserve.field(name=…)`, or else the attribute itself.

    In a named tuple, `field` is a default value, so fields without it come first.

    >>> class Flower(typing.NamedTuple):
    ...     petals: int
    ...     length: float = msgspec.field(name="sepal length (cm)")
    >>> field_titles(Flower)
    {'petals': 'petals', 'length': 'sepal length (cm)'}
    """
    names = field_names(kind) or ()
    if issubclass(kind, msgspec.Struct):
        return dict(zip(names, kind.__struct_encode_fields__, strict=True))
    defaults = getattr(kind, "_field_defaults", {})
    given = {name: default.name for name, default in defaults.items() if isinstance(default, FIELD)}
    return {name: given.get(name) or name for name in names}


def declared_types(kind: type[Any]) -> dict[str, Any]:
    """Return the annotations of the fields, by their names in the data; empty if they cannot be resolved."""
    try:
        hints = get_type_hints(kind)
    except (NameError, TypeError):
        return {}
    return {title: hints[name] for name, title in field_titles(kind).items() if name in hints}


def field_values(item: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the values of the named fields."""
    return item if isinstance(item, tuple) else tuple(getattr(item, name) for name in names)


def attribute_of(schema: Schema, name: str, argument: str) -> str:
    """Return the attribute of a field, given its name in the code or in the data.

    Raises:
        ArgumentError: the record has no such field.
    """
    for declared in schema.fields:
        if name in (declared.name, declared.encode_name):
            return declared.name
    names = ", ".join(_both_names(declared) for declared in schema.fields)
    raise ArgumentError(argument, name, f"not a field of {schema.record.__qualname__}; its fields are {names}")


def _both_names(declared: FieldInfo) -> str:
    if declared.name == declared.encode_name:
        return declared.name
    return f"{declared.name} ({declared.encode_name!r} in the data)"
