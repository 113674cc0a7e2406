"""The MLflow flavor that knows how to save a model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mlflow.models import Model, ModelSignature

from makiserve.errors import ConfigurationError

# By the library that a class of the model's ancestry comes from. XGBoost's and LightGBM's estimators descend from
# scikit-learn's: the first library that is found decides.
_FLAVORS = {
    "xgboost": ("mlflow.xgboost", "xgb_model"),
    "lightgbm": ("mlflow.lightgbm", "lgb_model"),
    "onnx": ("mlflow.onnx", "onnx_model"),
    "torch": ("mlflow.pytorch", "pytorch_model"),
    "mlflow": ("mlflow.pyfunc", "python_model"),
    "sklearn": ("mlflow.sklearn", "sk_model"),
}

TRUSTED = ("sklearn", "numpy", "scipy", "pandas")
"""The libraries of which a scikit-learn model may hold any type."""

TRUSTED_TYPES = {"functools.partial"}
"""Of the standard library: HistGradientBoosting holds one. skops asks for the function in it by its own name."""


def native_options(model: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a model's flavor, completed with what its class needs.

    Args:
        model: as `log_model` takes it.
        options: what the user gives for that flavor's `save_model`.

    Raises:
        ConfigurationError: there is no flavor for its class, or it holds types that would not be trusted at loading.
    """
    module, _ = _flavor(model)
    if module == "mlflow.sklearn" and options.get("serialization_format", "skops") == "skops":
        return {**options, "skops_trusted_types": options.get("skops_trusted_types") or _trusted_types(model)}
    return dict(options)


def save_native(model: Any, path: Path, mlflow_model: Model, options: Mapping[str, Any]) -> ModelSignature | None:
    """Save a model with the flavor of its class, `python_function` included.

    Returns:
        The signature that the user gives, or that a `PythonModel` declares by its type hints; None without either.

    Args:
        model: the fitted model.
        path: a directory that does not exist.
        mlflow_model: the MLmodel to enter the flavors in.
        options: from `native_options`.
    """
    module, argument = _flavor(model)
    if isinstance(model, Path):
        model = str(model)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example was not provided")  # the reference records are the example
        import_module(module).save_model(path=str(path), mlflow_model=mlflow_model, **{argument: model}, **options)
    has_hints = mlflow_model._is_signature_from_type_hint()  # noqa: SLF001  nothing public tells
    return mlflow_model.signature if has_hints else options.get("signature")


def _flavor(model: Any) -> tuple[str, str]:
    if isinstance(model, str | Path):  # MLflow's "models from code"
        return _FLAVORS["mlflow"]
    libraries = {ancestor.__module__.partition(".")[0] for ancestor in type(model).__mro__}
    found = next((flavor for library, flavor in _FLAVORS.items() if library in libraries), None)
    if found is None:
        raise ConfigurationError(
            f"a model of type {type(model).__module__}.{type(model).__qualname__} cannot be logged: wrap it in an "
            "mlflow.pyfunc.PythonModel whose predict() takes a data frame, or log it with its MLflow flavor and then "
            "add the pipeline with makiserve.attach"
        )
    return found


def _trusted_types(model: Any) -> list[str]:
    """Return the types in a model that skops does not trust by itself, such as the nodes of trees.

    Those of scikit-learn and of what it builds on are trusted: whoever loads the model runs that code anyway.

    Raises:
        ConfigurationError: the model holds others.
    """
    skops = import_module("skops.io")  # MLflow's scikit-learn flavor requires it, no other does
    untrusted: list[str] = skops.get_untrusted_types(data=skops.dumps(model))
    trusted = {name for name in untrusted if name.partition(".")[0] in TRUSTED} | TRUSTED_TYPES
    if foreign := [name for name in untrusted if name not in trusted]:
        raise ConfigurationError(
            f"the model holds {', '.join(foreign)}, not of scikit-learn, numpy, scipy or pandas: loading it would run "
            f"code that is not trusted by itself. If you trust it, pass log_model(…, skops_trusted_types={untrusted})"
        )
    return untrusted
