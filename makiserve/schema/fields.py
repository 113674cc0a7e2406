"""The named fields of what a pipeline emits."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec


def field_names(kind: type[Any]) -> tuple[str, ...] | None:
    """The names of the fields of a named tuple, Struct or dataclass, in order; None for any other type."""
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


def field_values(item: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    """The values of the named fields."""
    return item if isinstance(item, tuple) else tuple(getattr(item, name) for name in names)
