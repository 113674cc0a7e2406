"""What a model does: whether its predictions are amounts or classes, and which."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle, islice
from typing import Any, Literal, NamedTuple

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel
from mlflow.types import ParamSchema, ParamSpec
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from makiserve.artifact.categories import Categories, categories_of
from makiserve.artifact.columns import Row
from makiserve.artifact.layout import Layout, Names, learn
from makiserve.artifact.model_input import table_from_schema
from makiserve.errors import ConfigurationError

Kind = Literal["regression", "classification"]


class ModelTask(NamedTuple):
    """What a model does.

    Attributes:
        kind: None if the model does not say: its predictions then show it.
        classes: of a classifier, in the order of its probabilities; empty if it does not say, or has several targets.
        targets: of a classifier of several targets, the classes of each; empty for any other model.
    """

    kind: Kind | None = None
    classes: tuple[Any, ...] = ()
    targets: tuple[tuple[Any, ...], ...] = ()


def task_of(model: PyFuncModel) -> ModelTask:
    """Return what scikit-learn, and everything that follows its conventions, says of a model."""
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
"""The functions that give a column for each class."""


class MlflowPredictor:
    """A loaded pyfunc model, its signature compiled once.

    `PyFuncModel.predict` judges a column by all of its values, so that its verdict on a record depends on the others
    in the batch, and takes about 0.1 ms a column for it. Here a row is judged by the types of its own values, the
    input is built by the signature's types, and the model's own function is called.

    Args:
        model: from `mlflow.pyfunc.load_model`.
        inputs: the names of the features that the model takes, in order.
        schema: what the model takes; its signature's, where that has one.
        params: for the model's function, those of its signature that shall not have their default.
        layout: of its answers, as it was packaged; None to learn it from the first ones.
        categories: of the category columns that it was fitted on; None to ask the model.

    Attributes:
        inputs: the names, in the signature's order.
        task: what the model does.
        layout: of its answers; None before the first one.
        categories: of its category columns.

    Raises:
        ModelRefused: the signature asks for something else than a table of plain values.
        ConfigurationError: a param is not one of the signature's, or of another type.
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
        asked = schema if schema is not None else model.metadata.get_input_schema()
        bare = _was_fitted_without_names(model)
        self.categories = categories_of(model, inputs) if categories is None else categories
        self._table = table_from_schema(asked, inputs, self.categories, bare=bare) if asked is not None else None
        self.inputs = self._table.columns.names if self._table else inputs
        self.task = task_of(model)
        self._names = _output_names(model, self.task)
        self._call = _function(model, params or {})
        self.layout = layout

    def check(self, row: Row) -> None:
        if self._table:
            self._table.columns.check(row)

    def predict(self, rows: list[Row]) -> list[Any]:
        if self.layout is None:
            self.layout = learn(lambda size: self.output(list(islice(cycle(rows), size))), len(rows), self._names)
        return self.layout.read(self.output(rows), len(rows), self._names)

    def output(self, rows: list[Row]) -> Any:
        """Return the model's own answer for these rows."""
        return self._call(self._table.build(rows) if self._table else pd.DataFrame(rows, columns=list(self.inputs)))


def _function(model: PyFuncModel, params: Mapping[str, Any]) -> Callable[[Any], Any]:
    name = _function_name(model)
    function: Callable[..., Any] = getattr(model._model_impl, name)  # noqa: SLF001  "a stable developer API", it says
    schema = model.metadata.get_params_schema()
    chosen = _chosen(schema, params)
    takes = inspect.signature(function).parameters.get("params")
    return partial(function, params=chosen) if schema is not None and takes is not None else function


def _function_name(model: PyFuncModel) -> str:
    return str(model.metadata.flavors["python_function"].get("predict_fn", "predict"))


def _chosen(schema: ParamSchema | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each param of the signature."""
    specs = {spec.name: spec for spec in schema.params} if schema is not None else {}
    if unknown := params.keys() - specs.keys():
        raise ConfigurationError(
            f"the model's signature has no params {', '.join(sorted(unknown))}; it has {', '.join(specs) or 'none'}"
        )
    try:
        given = {name: ParamSpec.validate_param_spec(value, specs[name]) for name, value in params.items()}
    except MlflowException as error:
        raise ConfigurationError(f"the model's params: {error}") from error
    return {name: spec.default for name, spec in specs.items()} | given


def _output_names(model: PyFuncModel, task: ModelTask) -> Names:
    """Return the names of the model's outputs, as far as it or its signature has them."""
    schema = model.metadata.get_output_schema()
    columns = tuple(schema.input_names()) if schema is not None and schema.has_input_names() else ()
    if _function_name(model) not in OF_CLASSES:
        return Names(columns)
    classes = tuple(tuple(map(str, target)) for target in task.targets)
    return Names(tuple(map(str, task.classes)) or columns, classes)


def _was_fitted_without_names(model: PyFuncModel) -> bool:
    """Whether scikit-learn would warn of names at each call, as the model was fitted on a matrix."""
    if model.loader_module != LOADER_OF_SKLEARN:
        return False
    estimator = model.get_raw_model()
    return hasattr(estimator, "n_features_in_") and not hasattr(estimator, "feature_names_in_")
