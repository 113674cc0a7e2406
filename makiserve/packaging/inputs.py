"""Which fields of the features go to the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from makiserve.errors import ConfigurationError


def choose_inputs(
    model: Any, emitted: tuple[str, ...], *, given: Sequence[str] | None, signature: Any = None
) -> tuple[str, ...]:
    """The inputs of a model, in its order.

    Args:
        model: tells the names that it was fitted with, or at least their number.
        emitted: the fields that the pipeline emits.
        given: what the user asks for; None to find out.
        signature: an MLflow signature that the user gives; the names of its inputs, if it has names, are the inputs.

    Raises:
        ConfigurationError: a name is not emitted, or there is no telling.
    """
    schema = getattr(signature, "inputs", None)
    declared = schema.input_names() if schema is not None and schema.has_input_names() else None
    if given and declared and set(given) != set(declared):
        raise ConfigurationError(f"inputs={list(given)} are not the inputs of the signature, {list(declared)}")
    names = tuple(declared or given or _fitted_names(model) or _all(model, emitted))
    if absent := [name for name in names if name not in emitted]:
        raise ConfigurationError(
            f"the model takes {', '.join(map(repr, absent))}, which the pipeline does not emit; "
            f"it emits {', '.join(map(repr, emitted))}"
        )
    return names


def _fitted_names(model: Any) -> list[str] | None:
    for attribute in ("feature_names_in_", "feature_names"):  # scikit-learn's convention, an XGBoost Booster's
        names = getattr(model, attribute, None)
        if names is not None and not callable(names):
            return [str(name) for name in names]
    return None


def _all(model: Any, emitted: tuple[str, ...]) -> tuple[str, ...]:
    expected = getattr(model, "n_features_in_", None)
    if expected == len(emitted):
        return emitted
    takes = "does not say what it takes" if expected is None else f"takes {expected} features and does not name them"
    raise ConfigurationError(
        f"the model {takes}, and the pipeline emits {len(emitted)} ({', '.join(map(repr, emitted))}): "
        "pass log_model(…, inputs=[…]) with the names in the model's order"
    )
