"""How good predictions are, beside a baseline that gives the figures a meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from makiserve.errors import ConfigurationError
from makiserve.replaying.sources import Block
from makiserve.scoring import Scored


@dataclass(frozen=True)
class Metrics:
    """Errors of a regression, in the label's unit.

    Attributes:
        rows: predictions that have a label.
        rmse: root of the mean squared error.
        mae: mean absolute error.
        r2: the part of the label's variance that is explained; nan where the label does not vary.
        baseline_rmse: that of predicting the mean of the labels everywhere.
    """

    rows: int
    rmse: float
    mae: float
    r2: float
    baseline_rmse: float


def regression_metrics(predictions: Sequence[float], labels: Sequence[float]) -> Metrics:
    """The metrics of `predictions` against `labels`, position by position.

    Raises:
        ConfigurationError: there is nothing to compare, or a value is not a number.
    """
    if not predictions:
        raise ConfigurationError("no prediction has a label: there is nothing to measure")
    try:
        predicted, actual = np.asarray(predictions, np.float64), np.asarray(labels, np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"predictions and labels are not all numbers: {error}") from error
    errors, deviations = predicted - actual, actual - actual.mean()
    baseline = float(np.sqrt(np.mean(deviations**2)))
    return Metrics(
        rows=len(predicted),
        rmse=float(np.sqrt(np.mean(errors**2))),
        mae=float(np.mean(np.abs(errors))),
        r2=float(1 - np.sum(errors**2) / np.sum(deviations**2)) if baseline else float("nan"),
        baseline_rmse=baseline,
    )


class Labelled:
    """Collects predictions and the label of the record that caused each, where it has one.

    Args:
        label: the attribute of the record.
    """

    needs_records = True
    needs_features = False

    def __init__(self, label: str) -> None:
        self._label = label
        self._predictions: list[Any] = []
        self._labels: list[Any] = []

    def take(self, block: Block, scored: Scored) -> None:
        for cause, prediction in zip(scored.causes, scored.predictions, strict=True):
            label = getattr(block.records[cause], self._label)
            if label is not None:
                self._predictions.append(prediction)
                self._labels.append(label)

    def metrics(self) -> Metrics:
        """Of what was collected.

        Raises:
            ConfigurationError: no prediction has a label, or a value is not a number.
        """
        return regression_metrics(self._predictions, self._labels)
