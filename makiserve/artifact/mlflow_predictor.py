"""A model's predictions, and its task: regression, or classification with its classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from typing import Any, Literal, NamedTuple

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel
from mlflow.types import ParamSchema, ParamSpec
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from makiserve.artifact.categories import Categories, categories_of
from makiserve.artifact.input_types import Row
from makiserve.artifact.layout import Layout, Names, learn
from makiserve.artifact.model_input import table_from_schema
from makiserve.errors import ConfigurationError, PredictError
from makiserve.stream.columns.items import ColumnItems

Kind = Literal["regression", "classification"]


class ModelTask(NamedTuple):
    """A model's task.

    Attributes:
        kind: regression or classification; None if the model does not declare it, so that only its predictions show it.
        classes: a classifier's classes, in the order of its probabilities; empty if it does not declare them, or has
            several targets.
        targets: the classes of each target of a classifier with several targets; empty for any other model.
    """

    kind: Kind | None = None
    classes: tuple[Any, ...] = ()
    targets: tuple[tuple[Any, ...], ...] = ()


def task_of(model: PyFuncModel) -> ModelTask:
    """Return the task that a model declares by scikit-learn's conventions."""
    try:
        estimator = model.get_raw_model()
    except (NotImplementedError, AttributeError):  # flavors that cannot unwrap their model
        return ModelTask()
    if not isinstance(estimator, BaseEstimator):
        return ModelTask()
    if is_classifier(estimator):
        return _classification(getattr(estimator, "classes_", None))
    return ModelTask("regression") if is_regressor(estimator) else ModelTask()


def _classification(classes: Any) -> ModelTask:
    if isinstance(classes, list):  # one array per target
        return ModelTask("classification", targets=tuple(tuple(target.tolist()) for target in classes))
    return ModelTask("classification", () if classes is None else tuple(classes.tolist()))


LOADER_OF_SKLEARN = "mlflow.sklearn"
OF_CLASSES = ("predict_proba", "predict_log_proba", "decision_function")
"""The methods that return a column for each class."""


class MlflowPredictor:
    """A loaded pyfunc model with its signature compiled once.

    `PyFuncModel.predict` checks all values of a column together, so that the result for a record depends on the others
    in the batch. That check takes about 0.1 ms per column. Here, each row is checked separately, the input
    is built with the signature's types, and the model's own function is called.

    Args:
        model: the model from `mlflow.pyfunc.load_model`.
        inputs: the names of the features that the model takes, in order.
        schema: the model's input schema; None for that of its signature, if there is one.
        params: the params of its signature that differ from their defaults, for the model's function.
        layout: the packaged layout of its outputs; None to learn it from the first outputs.
        categories: the categories of the category columns that it was fitted on; None to take them from the model.

    Attributes:
        inputs: the names, in the signature's order.
        task: the model's task.
        layout: the layout of its outputs; None before the first output.
        categories: the categories of its category columns.

    Raises:
        ModelRefused: the signature asks for something other than a table of plain values.
        ConfigurationError: a param is not in the signature, or has another type.
    """

    def __init__(
        self,
        model: PyFuncModel,
        inputs: tuple[str, ...],
        schema: Any = None,
        params: Mapping[str, Any] | None = None,
        *,
        layout: Layout | None = None,
        categories: Categories | None = None,
    ) -> None:
        if schema is None:
            schema = model.metadata.get_input_schema()
        bare = _was_fitted_without_names(model)
        self.categories = categories_of(model, inputs) if categories is None else categories
        self._table = None if schema is None else table_from_schema(schema, inputs, self.categories, bare=bare)
        self.inputs = self._table.columns.names if self._table else inputs
        self.task = task_of(model)
        self._names = _output_names(model, self.task)
        self._call = _function(model, params or {})
        self.layout = layout

    def check(self, row: Row) -> None:
        if self._table:
            self._table.columns.check(row)

    def refused(self, rows: ColumnItems) -> dict[int, PredictError]:
        """Return the rows that `check` rejects, by index, each with its error."""
        return self._table.columns.refused(rows) if self._table else {}

    def predict(self, rows: Sequence[Row]) -> list[Any]:
        if self.layout is None:
            self.layout = learn(lambda size: self.output(list(islice(cycle(rows), size))), len(rows), self._names)
        return self.layout.read(self.output(rows), len(rows), self._names)

    def output(self, rows: Sequence[Row]) -> Any:
        """Return the model's raw output for these rows."""
        return self._call(
            self._table.build(rows) if self._table else pd.DataFrame(list(rows), columns=list(self.inputs))
        )


def _function(model: PyFuncModel, params: Mapping[str, Any]) -> Callable[[Any], Any]:
    name = _function_name(model)
    function: Callable[..., Any] = getattr(model._model_impl, name)  # noqa: SLF001  MLflow: "a stable developer API"
    schema = model.metadata.get_params_schema()
    chosen = _chosen(schema, params)
    takes = inspect.signature(function).parameters.get("params")
    return partial(function, params=chosen) if schema is not None and takes is not None else function


def _function_name(model: PyFuncModel) -> str:
    return str(model.metadata.flavors["python_function"].get("predict_fn", "predict"))


def _chosen(schema: ParamSchema | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each param of the signature."""
    specs = {spec.name: spec for spec in schema.params} if schema is not None else {}
    if unknown := params.keys() - specs.keys():
        raise ConfigurationError(
            f"the model's signature has no parameter {', '.join(sorted(unknown))}; its parameters: "
            f"{', '.join(specs) or 'none'}"
        )
    try:
        given = {name: ParamSpec.validate_param_spec(value, specs[name]) for name, value in params.items()}
    except MlflowException as error:
        raise ConfigurationError(f"the model's parameters: {error}") from error
    return {name: spec.default for name, spec in specs.items()} | given


def _output_names(model: PyFuncModel, task: ModelTask) -> Names:
    """Return the names of the outputs, as far as the model or its signature has them."""
    schema = model.metadata.get_output_schema()
    columns = tuple(schema.input_names()) if schema is not None and schema.has_input_names() else ()
    if _function_name(model) not in OF_CLASSES:
        return Names(columns)
    classes = tuple(tuple(map(str, target)) for target in task.targets)
    return Names(tuple(map(str, task.classes)) or columns, classes)


def _was_fitted_without_names(model: PyFuncModel) -> bool:
    """Return whether the model was fitted on a matrix, so that scikit-learn would warn about names at each call."""
    if model.loader_module != LOADER_OF_SKLEARN:
        return False
    estimator = model.get_raw_model()
    return hasattr(estimator, "n_features_in_") and not hasattr(estimator, "feature_names_in_")
