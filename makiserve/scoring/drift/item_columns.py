"""Convert the items of a batch to columns of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from makiserve.records.emitted_fields import field_names
from makiserve.scoring.record_columns import named_columns
from makiserve.stream.columns.items import as_floats

PREDICTION = "prediction"
LARGEST = float(np.finfo(np.float64).max)


def columns_of(features: Sequence[Any], predictions: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Return the features by name, and the predictions.

    Args:
        features: items of one type with named fields; items of other types have no columns.
        predictions: one for each item; each is None without a model.
    """
    fields: Mapping[str, Sequence[Any]] | None = named_columns(features)
    if fields is None:
        names = field_names(type(features[0])) or () if features else ()
        fields = {name: list(map(attrgetter(name), features)) for name in names}
    return {**fields, **columns_of_predictions(predictions)}


def columns_of_predictions(predictions: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Return the column `prediction`, or `prediction.NAME` for each of several outputs; none without a model."""
    if predictions and isinstance(predictions[0], dict):
        return {f"{PREDICTION}.{name}": [prediction.get(name) for prediction in predictions] for name in predictions[0]}
    return {PREDICTION: predictions} if any(prediction is not None for prediction in predictions) else {}


def numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return values as numbers; nan for a value that is missing or not a number, the largest float for infinity."""
    try:
        floats = as_floats(values)
    except (TypeError, ValueError, OverflowError):
        floats = np.array(list(map(_number, values)), np.float64)
    return np.clip(floats, -LARGEST, LARGEST)


def texts(values: Sequence[Any]) -> list[str]:
    """Return the values that are text."""
    return [value for value in values if isinstance(value, str)]


def is_missing(value: Any) -> bool:
    """Return whether a value is None or nan."""
    return value is None or (isinstance(value, float) and value != value)


def _number(value: Any) -> float:
    if not isinstance(value, int | float | np.number | np.bool_):
        return float("nan")
    try:
        return float(value)
    except OverflowError:  # a large Python integer
        return LARGEST if value > 0 else -LARGEST
