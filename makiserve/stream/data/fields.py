"""Fields of structured items: named tuples, Records, dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec


def field_names(item: Any) -> tuple[str, ...]:
    """Return the names of the fields of a structured item; empty for any other item."""
    if isinstance(item, msgspec.Struct):
        return item.__struct_fields__
    if dataclasses.is_dataclass(item):
        return tuple(field.name for field in dataclasses.fields(item))
    return getattr(item, "_fields", ())


def replaced(item: Any, changes: dict[str, Any]) -> Any:
    """Return a copy of a structured item with some fields replaced."""
    if isinstance(item, msgspec.Struct):
        return msgspec.structs.replace(item, **changes)
    return item._replace(**changes) if hasattr(item, "_replace") else dataclasses.replace(item, **changes)
