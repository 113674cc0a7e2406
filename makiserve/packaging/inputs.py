"""Which fields of the features go to the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.pyfunc import PythonModel

from makiserve.errors import ConfigurationError


def choose_inputs(
    model: Any, titles: Mapping[str, str], *, given: Sequence[str] | None, signature: Any = None
) -> tuple[str, ...]:
    """Return the inputs of a model by their names, in its order.

    Args:
        model: tells the names that it was fitted with, or at least their number.
        titles: the names of the features that the pipeline emits, by attribute; they differ where
            `makiserve.field(name=…)` gives one.
        given: what the user asks for, by either name; None to find out.
        signature: an MLflow signature that the user gives; the names of its inputs, if it has names, are the inputs.

    Raises:
        ConfigurationError: a name is not emitted, or there is no telling: a `PythonModel` is given all features, any
            other model must say what it takes.
    """
    emitted = tuple(titles.values())
    given = [titles.get(name, name) for name in given or ()]
    schema = getattr(signature, "inputs", None)
    declared = schema.input_names() if schema is not None and schema.has_input_names() else None
    if given and declared and set(given) != set(declared):
        raise ConfigurationError(f"inputs={list(given)} are not the inputs of the signature, {list(declared)}")
    fitted = _as_emitted(_fitted_names(model) or (), emitted)
    names = tuple(declared or given or fitted or _all(model, emitted))
    if absent := [name for name in names if name not in emitted]:
        raise ConfigurationError(
            f"the model takes {', '.join(map(repr, absent))}, which the pipeline does not emit; "
            f"it emits {', '.join(map(repr, emitted))}. A feature gets the model's name for it by "
            f"makiserve.field(name={absent[0]!r}) in the class that the pipeline emits"
        )
    return names


def _fitted_names(model: Any) -> list[str] | None:
    for attribute in ("feature_names_in_", "feature_names", "feature_name"):  # scikit-learn's convention, Boosters'
        names = getattr(model, attribute, None)
        names = names() if callable(names) else names
        if names is not None and not set(names) <= _made_up(names):
            return [str(name) for name in names]
    return None


def _as_emitted(names: Iterable[str], emitted: Sequence[str]) -> list[str]:
    """The features of these names; LightGBM writes a blank in a name as an underscore."""
    of_lightgbm = {name.replace(" ", "_"): name for name in emitted}
    return [name if name in emitted else of_lightgbm.get(name, name) for name in names]


def _made_up(names: Sequence[str]) -> set[str]:
    """What LightGBM calls the columns of a matrix."""
    return {f"Column_{index}" for index in range(len(names))}


def _width(model: Any) -> int | None:
    """The number of features of a model that does not name them."""
    graph = getattr(model, "graph", None)
    if graph is not None and len(getattr(graph, "input", ())) == 1:  # an ONNX model of one tensor
        dimensions = graph.input[0].type.tensor_type.shape.dim
        return dimensions[1].dim_value if len(dimensions) == 2 else None
    number = getattr(model, "num_feature", None)  # of a LightGBM Booster
    return number() if callable(number) else getattr(model, "n_features_in_", None)


def _all(model: Any, emitted: tuple[str, ...]) -> tuple[str, ...]:
    expected = _width(model)
    if expected == len(emitted) or isinstance(model, PythonModel | str | Path):
        return emitted
    takes = "does not say what it takes" if expected is None else f"takes {expected} features and does not name them"
    raise ConfigurationError(
        f"the model {takes}, and the pipeline emits {len(emitted)} ({', '.join(map(repr, emitted))}): "
        "pass inputs=[…] with the names in the model's order"
    )
