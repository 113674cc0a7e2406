"""The named fields of what a pipeline emits."""

from __future__ import annotations

from typing import Any, get_type_hints

from makiserve.errors import ConfigurationError
from makiserve.schema.fields import field_names


def emitted_fields(kind: type[Any]) -> tuple[str, ...]:
    """The field names of a named tuple, Struct or dataclass, in order.

    Raises:
        ConfigurationError: it is none of these.
    """
    names = field_names(kind)
    if names is None:
        raise ConfigurationError(
            f"the pipeline emits {kind.__qualname__}: a model takes its inputs by name, so that the pipeline must emit "
            "a NamedTuple, makiserve.Record or dataclass"
        )
    return names


def declared_types(kind: type[Any]) -> dict[str, Any]:
    """The annotations of the fields; none where there are none, or where they cannot be resolved."""
    try:
        return get_type_hints(kind)
    except (NameError, TypeError):
        return {}
