"""The named fields of what a pipeline emits."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec


def field_names(item: Any) -> tuple[str, ...] | None:
    """The names of the fields of a named tuple, Struct or dataclass; None for anything else."""
    if isinstance(item, tuple):
        return getattr(item, "_fields", None)
    if isinstance(item, msgspec.Struct):
        return item.__struct_fields__
    if dataclasses.is_dataclass(item):
        return tuple(field.name for field in dataclasses.fields(item))
    return None


def row_values(item: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    """The values of the named fields."""
    return item if isinstance(item, tuple) else tuple(getattr(item, name) for name in names)
