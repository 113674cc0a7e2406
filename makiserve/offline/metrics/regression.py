"""The evidence on a regression: predicted and actual values, and the metrics of their differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn import metrics as sk

from makiserve.errors import ConfigurationError
from makiserve.offline.metrics.observed import Array, missing

LARGEST = 1e140
"""Up to this size, the squares of millions of values can be added."""


@dataclass(frozen=True)
class RegressionMetrics:
    """Numeric predictions that have a label.

    Attributes:
        predicted: float64[n].
        actual: float64[n].
        last: float64[n], the last label known before; nan if there was none.
    """

    predicted: Array
    actual: Array
    last: Array

    kind: ClassVar[Literal["regression"]] = "regression"
    names: ClassVar[tuple[str, ...]] = ("rmse", "mae", "median_ae", "max_error", "bias", "r2")

    @property
    def errors(self) -> Array:
        """Predicted minus actual, float64[n]; infinite if the difference is beyond the range of a float."""
        with np.errstate(over="ignore"):
            errors: Array = self.predicted - self.actual
        return errors

    def figures(self, rows: Any = slice(None)) -> dict[str, float]:
        """Return the metrics of some rows: errors in the label's unit, and the explained part of its variance."""
        return _figures(self.predicted[rows], self.actual[rows])

    def baselines(self) -> dict[str, dict[str, float]]:
        """Return the metrics of always predicting the mean, and of predicting the last label."""
        scale = _scale(self.actual)
        mean = (self.actual / scale).mean() * scale
        baselines = {"mean": _figures(np.full(len(self.actual), mean), self.actual)}
        known = ~missing(self.last)
        if known.any():
            baselines["last value"] = _figures(self.last[known], self.actual[known])
        return baselines


def amounts(predictions: Array, labels: Array, last: Array) -> RegressionMetrics:
    """Return the evidence of a regression.

    Raises:
        ConfigurationError: a prediction or label is not a single number.
    """
    return RegressionMetrics(_numbers(predictions, "predictions"), _numbers(labels, "labels"), _numbers(last, "labels"))


def _figures(predicted: Array, actual: Array) -> dict[str, float]:
    if not np.isfinite(predicted).all():
        return dict.fromkeys(RegressionMetrics.names, float("nan"))
    constant = len(actual) < 2 or bool((actual == actual[0]).all())
    scale = _scale(predicted, actual)
    predicted, actual = predicted / scale, actual / scale
    return {
        "rmse": float(sk.root_mean_squared_error(actual, predicted)) * scale,
        "mae": float(sk.mean_absolute_error(actual, predicted)) * scale,
        "median_ae": float(sk.median_absolute_error(actual, predicted)) * scale,
        "max_error": float(sk.max_error(actual, predicted)) * scale,
        "bias": float(np.mean(predicted - actual)) * scale,
        "r2": float("nan") if constant else float(sk.r2_score(actual, predicted)),
    }


def _scale(*values: Array) -> float:
    """Return the power of two to divide values by, so that neither their squares nor their sums overflow."""
    largest = max(float(np.abs(part).max(initial=0.0)) for part in values)
    return 2.0 ** (math.frexp(largest)[1] - 1) if largest > LARGEST else 1.0


def _numbers(values: Array, what: str) -> Array:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    try:
        if values.ndim == 1:
            return values.astype(np.float64)
    except (TypeError, ValueError):
        pass
    sample = next((value for value in values.tolist() if not isinstance(value, int | float)), None)
    raise ConfigurationError(f"{what} must be single numbers for regression metrics, but one is {sample!r}")
