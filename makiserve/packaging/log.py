"""`log_model`: a fitted model and the pipeline that feeds it, as one MLflow model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import ModelInfo

from makiserve.errors import ConfigurationError
from makiserve.packaging.emitted import emitted_fields
from makiserve.packaging.inputs import choose_inputs
from makiserve.packaging.native import native_options
from makiserve.packaging.package import Package
from makiserve.packaging.reference.sample import take_sample
from makiserve.packaging.source.collect import collect
from makiserve.packaging.source.requirements import requirements, with_requirements
from makiserve.schema import Record, Schema
from makiserve.stream.engine.trace import Transform, trace


def log_model(
    model: Any,
    *,
    features: Callable[[], Transform],
    record: type[Record],
    reference: str | Path | Iterable[Record],
    post: Callable[[], Transform] | None = None,
    name: str = "model",
    inputs: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    registered_model_name: str | None = None,
    alias: str | None = None,
    **mlflow_options: Any,
) -> ModelInfo:
    """Log a model together with its feature pipeline, in the active run or without one.

    What results is an ordinary MLflow model, that anyone can load with `mlflow.pyfunc` and give features to. Beside
    it are the pipeline's sources and reference records with their outputs, which the model must give wherever it
    serves.

    Args:
        model: a fitted scikit-learn, XGBoost, LightGBM, ONNX or PyTorch model, an `mlflow.pyfunc.PythonModel`, or the
            path of a script that makes one ("models from code").
        features: the pipeline's factory, a function at the top level of a module other than the script.
        record: the type of the records, likewise.
        reference: a CSV or JSON lines file, or records; the first ones are used, until the pipeline has emitted 32.
        post: the factory of a second pipeline, over `makiserve.Prediction` items: what it emits is published in the
            place of each prediction. It may smooth, compare with a threshold, drop.
        name: of the logged model.
        inputs: the features that the model takes, in its order; None where the model knows their names, or takes all.
        params: for the model's function: values of the signature's params that shall not have their default.
        registered_model_name: the registered model to create a version of.
        alias: that the new version gets.
        mlflow_options: as for `mlflow.sklearn.log_model`, such as `signature`, `pip_requirements`, `tags`.

    Returns:
        MLflow's description of the logged model; its `model_uri` can be served.

    Raises:
        ConfigurationError: a service could not run it; the message says what to change.
    """
    if alias is not None and registered_model_name is None:
        raise ConfigurationError(f"alias={alias!r} needs registered_model_name=: an alias is one of a registered model")
    options = native_options(model, mlflow_options)
    schema, collected = Schema(record), collect(features, record, post)
    plan = trace(features())
    sample = take_sample(plan, schema, reference)
    emitted = emitted_fields(type(sample.features[0]))
    package = Package(
        collected=collected,
        plan=plan,
        post=trace(post()) if post else None,
        schema=schema,
        sample=sample,
        inputs=choose_inputs(model, emitted, given=inputs, signature=options.get("signature")),
        params=params or {},
    )
    options |= with_requirements(requirements(collected.imports), options)
    options |= {"name": name, "registered_model_name": registered_model_name, "model": model}
    try:
        info = Model.log(None, package, **options)
        if alias is not None:
            client = MlflowClient()
            client.set_registered_model_alias(registered_model_name, alias, str(info.registered_model_version))
    except MlflowException as error:
        raise ConfigurationError(f"MLflow could not log the model: {error}") from error
    return info
