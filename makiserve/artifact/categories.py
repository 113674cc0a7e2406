"""The categories of the pandas category columns that a model was trained on. They are stored with the model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from mlflow.pyfunc import PyFuncModel

Categories = dict[str, list[Any]]
"""The categories of each feature by name, in the order of the training: libraries may encode them by position."""


def categories_of(model: PyFuncModel, inputs: Sequence[str], training: Mapping[str, Any] | None = None) -> Categories:
    """Return the category columns of a model; empty if it was not fitted on any, or takes them as plain values.

    scikit-learn's own estimators do not need category columns to predict. LightGBM and XGBoost do, and keep the
    categories.

    Args:
        model: the model as loaded by MLflow.
        inputs: the features that the model takes, in its order.
        training: the frame that the model was fitted on, if it is known; its category columns are those of the model.
    """
    if training is not None and (categories := _of_frame(training, inputs)):
        return categories
    try:
        raw = model.get_raw_model()
    except (NotImplementedError, AttributeError):  # flavors that cannot unwrap their model
        return {}
    library = type(raw).__module__.partition(".")[0]
    if library == "lightgbm":
        return _of_lightgbm(getattr(raw, "booster_", raw), inputs)
    if library == "xgboost":
        return _of_xgboost(raw.get_booster() if hasattr(raw, "get_booster") else raw, inputs)
    return {}


def category_column(values: Sequence[Any], categories: Sequence[Any]) -> pd.Categorical:
    """Return values as a category column with the categories of the training.

    A value that is not among them becomes an additional category at the end. Its meaning depends on the model's
    library.
    """
    known = set(categories)
    unknown = dict.fromkeys(value for value in values if value is not None and value not in known)
    return pd.Categorical(values, categories=[*categories, *unknown])


def _of_frame(training: Mapping[str, Any], inputs: Sequence[str]) -> Categories:
    columns = {name: getattr(training.get(name), "dtype", None) for name in inputs}
    return {
        name: dtype.categories.tolist() for name, dtype in columns.items() if isinstance(dtype, pd.CategoricalDtype)
    }


def _of_lightgbm(booster: Any, inputs: Sequence[str]) -> Categories:
    """Return the categories from a LightGBM model.

    It keeps the categories of each category column, and the indexes of all categorical columns.
    """
    categories = booster.pandas_categorical or []
    match = re.search(r"^\[categorical_feature: ([\d,]+)\]$", booster.model_to_string(num_iteration=1), re.MULTILINE)
    indexes = [int(index) for index in match[1].split(",")] if match else []
    if len(indexes) != len(categories):  # the user encoded some columns: only a training frame shows which
        return {}
    return {inputs[index]: list(names) for index, names in zip(indexes, categories, strict=True)}


def _of_xgboost(booster: Any, inputs: Sequence[str]) -> Categories:
    if "c" not in (booster.feature_types or ()) or not hasattr(booster, "get_categories"):  # since XGBoost 3.1
        return {}
    columns = booster.get_categories(export_to_arrow=True).to_arrow()
    return {
        name: categories.to_pylist()
        for name, (_, categories) in zip(inputs, columns, strict=True)
        if categories is not None
    }
