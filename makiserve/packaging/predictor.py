"""A model of any MLflow flavor as the scorer sees it: rows in, one JSON value for each row out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from mlflow.pyfunc import PyFuncModel

from makiserve.packaging.columns import Row, table_from_schema
from makiserve.packaging.outputs import predictions
from makiserve.packaging.task import task_of

LOADER_OF_SKLEARN = "mlflow.sklearn"


class MlflowPredictor:
    """A loaded pyfunc model, its signature compiled once.

    `PyFuncModel.predict` judges a column by all of its values, so that its verdict on a record depends on the others
    in the batch, and takes about 0.1 ms a column for it. Here a row is judged by the types of its own values, the
    input is built by the signature's types, and the model's own function is called.

    Args:
        model: from `mlflow.pyfunc.load_model`.
        inputs: the names of the features that the model takes, in order.
        schema: what the model takes; its signature's, where that has one.

    Raises:
        ModelRefused: the signature asks for something else than a table of plain values.
    """

    def __init__(self, model: PyFuncModel, inputs: tuple[str, ...], schema: Any = None) -> None:
        asked = schema if schema is not None else model.metadata.get_input_schema()
        self._table = table_from_schema(asked, inputs) if asked is not None else None
        if self._table and self._table.is_numeric and _was_fitted_without_names(model):
            self._table = self._table.bare()
        self.inputs = self._table.names if self._table else inputs
        self.task = task_of(model)
        self._call = _function(model)

    def check(self, row: Row) -> None:
        if self._table:
            self._table.check(row)

    def predict(self, rows: list[Row]) -> list[Any]:
        return predictions(self.output(rows), len(rows))

    def output(self, rows: list[Row]) -> Any:
        """What the model itself gives for these rows."""
        return self._call(self._table.build(rows) if self._table else pd.DataFrame(rows, columns=list(self.inputs)))


def _function(model: PyFuncModel) -> Callable[[Any], Any]:
    name = model.metadata.flavors["python_function"].get("predict_fn", "predict")
    function: Callable[[Any], Any] = getattr(model._model_impl, name)  # noqa: SLF001  "a stable developer API", it says
    return function


def _was_fitted_without_names(model: PyFuncModel) -> bool:
    """Whether scikit-learn would warn of names at each call, as the model was fitted on a matrix."""
    if model.loader_module != LOADER_OF_SKLEARN:
        return False
    estimator = model.get_raw_model()
    return hasattr(estimator, "n_features_in_") and not hasattr(estimator, "feature_names_in_")
