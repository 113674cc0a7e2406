"""The named fields of what a pipeline emits."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

import msgspec

from makiserve.errors import ConfigurationError


def emitted_fields(kind: type[Any]) -> tuple[str, ...]:
    """The field names of a named tuple, Struct or dataclass, in order.

    Raises:
        ConfigurationError: it is none of these.
    """
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    names = getattr(kind, "_fields", None) if issubclass(kind, tuple) else None
    if names is None:
        raise ConfigurationError(
            f"the pipeline emits {kind.__qualname__}: a model takes its inputs by name, so that the pipeline must emit "
            "a NamedTuple, makiserve.Record or dataclass"
        )
    return tuple(names)


def declared_types(kind: type[Any]) -> dict[str, Any]:
    """The annotations of the fields; none where there are none, or where they cannot be resolved."""
    try:
        return get_type_hints(kind)
    except (NameError, TypeError):
        return {}
