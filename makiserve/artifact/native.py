"""Save a model with the MLflow flavor of its class."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mlflow.models import Model, ModelSignature

from makiserve.errors import ConfigurationError

# By the library of the model's class or of one of its base classes. XGBoost's and LightGBM's estimators inherit from
# scikit-learn's, so the first match in this order decides.
_FLAVORS = {
    "xgboost": ("mlflow.xgboost", "xgb_model"),
    "lightgbm": ("mlflow.lightgbm", "lgb_model"),
    "onnx": ("mlflow.onnx", "onnx_model"),
    "torch": ("mlflow.pytorch", "pytorch_model"),
    "mlflow": ("mlflow.pyfunc", "python_model"),
    "sklearn": ("mlflow.sklearn", "sk_model"),
}

TRUSTED = ("sklearn", "numpy", "scipy", "pandas")
"""The libraries from which a scikit-learn model may contain any type."""

TRUSTED_TYPES = {"functools.partial"}
"""Trusted types of the standard library. HistGradientBoosting contains one; skops lists the function in it by name."""


def native_options(model: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a model's flavor, with the options that its class requires.

    Args:
        model: the model, as `log_model` takes it.
        options: the user's options for that flavor's `save_model`.

    Raises:
        ConfigurationError: its class has no flavor, or it contains types that would not be trusted when it is loaded.
    """
    module, _ = _flavor(model)
    if module == "mlflow.sklearn" and options.get("serialization_format", "skops") == "skops":
        return {**options, "skops_trusted_types": options.get("skops_trusted_types") or _trusted_types(model)}
    return dict(options)


def save_native(model: Any, path: Path, mlflow_model: Model, options: Mapping[str, Any]) -> ModelSignature | None:
    """Save a model with the flavor of its class, `python_function` included.

    Returns:
        The user's signature, or the one that a `PythonModel` declares by its type hints; None without either.

    Args:
        model: the fitted model.
        path: a directory that does not exist.
        mlflow_model: the MLmodel to add the flavors to.
        options: from `native_options`.
    """
    module, argument = _flavor(model)
    if isinstance(model, Path):
        model = str(model)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example was not provided")  # the reference records are the example
        import_module(module).save_model(path=str(path), mlflow_model=mlflow_model, **{argument: model}, **options)
    has_hints = mlflow_model._is_signature_from_type_hint()  # noqa: SLF001  MLflow has no public function for it
    return mlflow_model.signature if has_hints else options.get("signature")


def _flavor(model: Any) -> tuple[str, str]:
    if isinstance(model, str | Path):  # MLflow's "models from code"
        return _FLAVORS["mlflow"]
    libraries = {ancestor.__module__.partition(".")[0] for ancestor in type(model).__mro__}
    for library, flavor in _FLAVORS.items():
        if library in libraries:
            return flavor
    raise ConfigurationError(
        f"a model of type {type(model).__module__}.{type(model).__qualname__} cannot be logged: wrap it in an "
        "mlflow.pyfunc.PythonModel whose predict() takes a data frame, or log it with its MLflow flavor and "
        "then add the pipeline with makiserve.attach"
    )


def _trusted_types(model: Any) -> list[str]:
    """Return the types in a model that skops does not trust by default, such as the nodes of trees.

    The types of scikit-learn and of the libraries it builds on are trusted, since loading the model runs their code
    anyway.

    Raises:
        ConfigurationError: the model contains other types.
    """
    skops = import_module("skops.io")  # only MLflow's scikit-learn flavor requires it
    untrusted: list[str] = skops.get_untrusted_types(data=skops.dumps(model))
    trusted = {name for name in untrusted if name.partition(".")[0] in TRUSTED} | TRUSTED_TYPES
    if foreign := [name for name in untrusted if name not in trusted]:
        raise ConfigurationError(
            f"the model contains {', '.join(foreign)}, which scikit-learn, numpy, scipy and pandas do not define: "
            "loading the model would run their code. If you trust it, pass log_model(…, "
            f"skops_trusted_types={untrusted})"
        )
    return untrusted
