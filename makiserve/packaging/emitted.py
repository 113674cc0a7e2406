"""The named fields of what a pipeline emits."""

from __future__ import annotations

from typing import Any, get_type_hints

from makiserve.errors import ConfigurationError
from makiserve.schema.fields import field_names, field_titles


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
    """Return the annotations of the fields by the model's names for them; none if they cannot be resolved."""
    try:
        hints = get_type_hints(kind)
    except (NameError, TypeError):
        return {}
    return {title: hints[name] for name, title in field_titles(kind).items() if name in hints}
