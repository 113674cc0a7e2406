"""From the items of a batch to columns of values."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from makiserve.schema.fields import field_names

PREDICTION = "prediction"


def columns_of(features: Sequence[Any], predictions: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The features by name, and the predictions.

    Args:
        features: items of one type with named fields; of others there are no columns.
        predictions: one for each; None without a model.
    """
    names = field_names(type(features[0])) or () if features else ()
    return {name: list(map(attrgetter(name), features)) for name in names} | columns_of_predictions(predictions)


def columns_of_predictions(predictions: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The column `prediction`, or `prediction.NAME` for each of several outputs; none without a model."""
    if predictions and isinstance(predictions[0], dict):
        return {f"{PREDICTION}.{name}": [each.get(name) for each in predictions] for name in predictions[0]}
    return {PREDICTION: predictions} if any(each is not None for each in predictions) else {}


def numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    """The values as numbers; nan for those that are missing, or none."""
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError):
        return np.array([value if isinstance(value, int | float) else np.nan for value in values], np.float64)


def texts(values: Sequence[Any]) -> list[str]:
    """The values that are text."""
    return [value for value in values if isinstance(value, str)]
