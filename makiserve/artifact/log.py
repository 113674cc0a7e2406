"""Log a fitted model and its feature pipeline as one MLflow model, or the pipeline alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import ModelInfo

from makiserve.artifact.environment import with_requirements
from makiserve.artifact.fetch import fetch
from makiserve.artifact.flavor import read_copied, save_alone, save_copied
from makiserve.artifact.model_input import choose_inputs
from makiserve.artifact.native import native_options, save_native
from makiserve.artifact.package import Package
from makiserve.artifact.pipeline import find_pipeline_to_package
from makiserve.errors import ConfigurationError
from makiserve.records import Record
from makiserve.records.arrow import ArrowStream
from makiserve.records.order import order_from
from makiserve.stream.engine.advice import warn_of_running_windows
from makiserve.stream.engine.trace import Transform


def log_model(
    model: Any,
    *,
    features: Callable[[], Transform] | str,
    record: type[Record] | None = None,
    reference: str | Path | ArrowStream | Iterable[Record] | Iterable[Mapping[str, Any]] | None = None,
    time: str | None = None,
    tie_by: str | Sequence[str] = (),
    na_values: Iterable[str] | None = None,
    post: Callable[[], Transform] | None = None,
    name: str = "model",
    inputs: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    registered_model_name: str | None = None,
    alias: str | None = None,
    **mlflow_options: Any,
) -> ModelInfo:
    """Log a model together with its feature pipeline, in the active run or without one.

    The result is an ordinary MLflow model: `mlflow.pyfunc` can load it and predict from features. It also contains the
    pipeline's sources, and reference records with the outputs that the model must reproduce wherever it serves.

    Args:
        model: a fitted scikit-learn, XGBoost, LightGBM, ONNX or PyTorch model, an `mlflow.pyfunc.PythonModel`, or the
            path of a script that makes one ("models from code").
        features: the pipeline's factory, a function at the top level of a module other than the script. Or the URI of a
            pipeline that `log_features` has logged; the model then contains a copy of it.
        record: the type of the records, also at the top level of a module. A registered pipeline includes it.
        reference: a CSV, JSON lines or Parquet file, a table such as `delta:PATH`, a data frame, dicts or records. The
            first ones are used, until the pipeline has emitted 32 items. They are one lane, as the records of a
            partition are: if a lane is one entity (`lane_by=` of `features_frame`), give the records of one entity, and
            the frame as `training`. A registered pipeline includes its reference.
        time: the field that the rows of a table or data frame are sorted by; None to take a data frame as it is.
        tie_by: fields that decide between rows with the same time.
        na_values: the cells of a CSV reference that are None for an optional field, in addition to empty ones. By
            default those of pandas: NA, N/A, NaN, null, None and others.
        post: the factory of a second pipeline, over `makiserve.Prediction` items. The items that it emits are published
            instead of the predictions. It may smooth, compare with a threshold, or drop.
        name: the name of the logged model.
        inputs: the features that the model takes, in its order; None if the model knows their names, or takes all.
        params: the values of the signature's params that differ from their defaults, for the model's function.
        training: the frame that the model was fitted on. It provides the statistics that a service compares its
            features with, and the category columns. None to take the statistics from up to 100,000 records of the
            reference, and the categories from the model.
        registered_model_name: the registered model to create a version of.
        alias: the alias to set on the new version.
        mlflow_options: as for `mlflow.sklearn.log_model`, such as `signature`, `pip_requirements`, `tags`.

    Returns:
        MLflow's description of the logged model; its `model_uri` can be served.

    Raises:
        ConfigurationError: a service could not run the model; the message contains what to change.
    """
    _check_alias(alias, registered_model_name)
    options = native_options(model, mlflow_options)
    pipeline = find_pipeline_to_package(features, record, reference, post, na_values, order_from(time, tie_by))
    warn_of_running_windows(pipeline.plan, stacklevel=2)
    options |= with_requirements(pipeline.requirements, options)
    chosen = choose_inputs(model, pipeline.titles, given=inputs, signature=options.get("signature"))
    package = Package(pipeline, partial(save_native, model), chosen, params or {}, training)
    return _log(package, options | {"name": name}, registered_model_name, alias)


def log_features(
    features: Callable[[], Transform],
    *,
    record: type[Record],
    reference: str | Path | ArrowStream | Iterable[Record] | Iterable[Mapping[str, Any]],
    time: str | None = None,
    tie_by: str | Sequence[str] = (),
    na_values: Iterable[str] | None = None,
    name: str = "features",
    registered_model_name: str | None = None,
    alias: str | None = None,
    **mlflow_options: Any,
) -> ModelInfo:
    """Log a feature pipeline without a model, to serve it alone or to reference it from several models.

    Args:
        features: the pipeline's factory, a function at the top level of a module.
        record: the type of the records, also at the top level of a module.
        reference: as for `log_model`.
        time: as for `log_model`.
        tie_by: as for `log_model`.
        na_values: as for `log_model`.
        name: the name of the logged pipeline.
        registered_model_name: the registered model to create a version of.
        alias: the alias to set on the new version.
        mlflow_options: as for `mlflow.models.Model.log`, such as `tags` and `metadata`.

    Raises:
        ConfigurationError: a service could not run the pipeline; the message contains what to change.
    """
    _check_alias(alias, registered_model_name)
    pipeline = find_pipeline_to_package(features, record, reference, None, na_values, order_from(time, tie_by))
    warn_of_running_windows(pipeline.plan, stacklevel=2)
    package = Package(pipeline, partial(save_alone, pipeline.requirements), None, {})
    return _log(package, mlflow_options | {"name": name}, registered_model_name, alias)


def attach(
    model: str,
    *,
    features: Callable[[], Transform] | str,
    record: type[Record] | None = None,
    reference: str | Path | ArrowStream | Iterable[Record] | Iterable[Mapping[str, Any]] | None = None,
    time: str | None = None,
    tie_by: str | Sequence[str] = (),
    na_values: Iterable[str] | None = None,
    post: Callable[[], Transform] | None = None,
    inputs: Sequence[str] | None = None,
    name: str = "model",
    registered_model_name: str | None = None,
    alias: str | None = None,
) -> ModelInfo:
    """Add a feature pipeline to a logged MLflow model, as a new model; the original stays unchanged.

    Args:
        model: the model's URI, of any flavor that `mlflow.pyfunc` can load. Its pipeline, if any, is replaced.
        features: as for `log_model`, like the other arguments.
        record: as for `log_model`.
        reference: as for `log_model`.
        time: as for `log_model`.
        tie_by: as for `log_model`.
        na_values: as for `log_model`.
        post: as for `log_model`.
        inputs: the features that the model takes; None if its signature names them, or it takes all.
        name: the name of the logged model.
        registered_model_name: the registered model to create a version of.
        alias: the alias to set on the new version.

    Raises:
        ConfigurationError: the model does not exist, or a service could not run it; the message contains what to
            change.
        ModelRefused: it is not an MLflow model, or cannot be loaded.
    """
    _check_alias(alias, registered_model_name)
    with tempfile.TemporaryDirectory(prefix="makiserve-") as place:
        directory = fetch(model, Path(place)).directory
        logged = read_copied(directory, model)
        pipeline = find_pipeline_to_package(features, record, reference, post, na_values, order_from(time, tie_by))
        warn_of_running_windows(pipeline.plan, stacklevel=2)
        chosen = choose_inputs(None, pipeline.titles, given=inputs, signature=logged.signature)
        package = Package(pipeline, partial(save_copied, directory, pipeline.requirements), chosen, {})
        return _log(package, {"name": name}, registered_model_name, alias)


def _check_alias(alias: str | None, registered_model_name: str | None) -> None:
    if alias is not None and registered_model_name is None:
        raise ConfigurationError(
            f"alias={alias!r} needs registered_model_name=, because only a registered model has aliases"
        )


def _log(
    package: Package, options: Mapping[str, Any], registered_model_name: str | None, alias: str | None
) -> ModelInfo:
    try:
        info = Model.log(None, package, registered_model_name=registered_model_name, **options)
        if alias is not None:
            client = MlflowClient()
            client.set_registered_model_alias(registered_model_name, alias, str(info.registered_model_version))
    except MlflowException as error:
        raise ConfigurationError(f"MLflow could not log the model: {error}") from error
    return info
