"""The quality of predictions, with baselines that give the metrics a meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from makiserve.artifact.mlflow_predictor import Kind, ModelTask
from makiserve.errors import ConfigurationError
from makiserve.offline.metrics.classification import (
    ClassificationMetrics,
    add_up,
    are_probabilities,
    class_scores,
    classes,
)
from makiserve.offline.metrics.observed import Array, Observed
from makiserve.offline.metrics.regression import RegressionMetrics, amounts

Figures = Mapping[str, float]

MAX_GROUPS = 50


class GroupMetrics(NamedTuple):
    """The predictions of records that have the same value in a field.

    Attributes:
        by: the field.
        value: as text; None for all groups except the 50 largest, taken together.
        rows: predictions that have a label.
        figures: as in `Metrics`.
    """

    by: str
    value: str | None
    rows: int
    figures: Figures


@dataclass(frozen=True)
class Metrics:
    """The quality of the predictions of a replay.

    Attributes:
        kind: regression or classification.
        rows: predictions that have a label.
        figures: by name: rmse, mae, median_ae, max_error, bias (predicted minus actual), in the label's unit, and r2;
            or accuracy, f1, precision, recall and, for probabilities, log_loss and auc. nan if a metric is not defined
            for these rows.
        baselines: the metrics of predictions without a model, by the predicted value: "mean" (in hindsight), "most
            frequent", "last value".
        groups: the metrics by group, the largest group first.
    """

    kind: Kind
    rows: int
    figures: Figures
    baselines: Mapping[str, Figures]
    groups: tuple[GroupMetrics, ...] = ()

    def __getitem__(self, name: str) -> float:
        return self.figures[name]


def evidence(observed: Observed, task: ModelTask) -> RegressionMetrics | ClassificationMetrics:
    """Return the predictions that have a label, as a regression or a classification.

    Raises:
        ConfigurationError: no prediction has a label, predictions and labels are not of the same kind, or the model has
            several targets.
    """
    chosen = observed.labelled
    if not chosen.any():
        raise ConfigurationError(
            f"none of the {len(chosen):,} predictions has a label, so there is nothing to measure: the field is "
            "empty, or --label-ahead is longer than the lane"
        )
    predictions, labels, last = (values[chosen] for values in (observed.prediction, observed.label, observed.last))
    if task.targets:
        raise ConfigurationError(
            f"the model predicts {len(task.targets)} targets, but a label is a single field: publish only the "
            "target of that label, with a post pipeline, or replay without a label"
        )
    if (task.kind or _kind(predictions, labels)) == "classification":
        return classes(predictions, labels, last, task.classes)
    return amounts(predictions, labels, last)


def measure(observed: Observed, task: ModelTask) -> Metrics:
    """Return the metrics of the predictions that have a label.

    Raises:
        ConfigurationError: for the same reasons as `evidence`.
    """
    metrics = evidence(observed, task)
    chosen = observed.labelled
    groups = [group for name, values in observed.by.items() for group in _groups(name, values[chosen], metrics)]
    return Metrics(metrics.kind, len(metrics.actual), metrics.figures(), metrics.baselines(), tuple(groups))


def _groups(by: str, values: Array, metrics: RegressionMetrics | ClassificationMetrics) -> Iterator[GroupMetrics]:
    names, codes, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    largest = np.argsort(-counts, kind="stable")
    for code in largest[:MAX_GROUPS]:
        yield GroupMetrics(by, str(names[code]), int(counts[code]), metrics.figures(codes == code))
    if len(rest := largest[MAX_GROUPS:]):
        rows = np.isin(codes, rest)
        yield GroupMetrics(by, None, int(rows.sum()), metrics.figures(rows))


def _kind(predictions: Array, labels: Array) -> Kind:
    """Infer the kind of a model that does not declare it: text, booleans and probabilities mean classification."""
    samples = {type(value) for values in (predictions, labels) for value in values[:100].tolist()}
    if samples & {str, bool}:
        return "classification"
    scores = class_scores(predictions)
    if scores is not None:
        return "classification" if add_up(scores) else "regression"
    of_two = set(np.unique(labels.astype(float)).tolist()) <= {0.0, 1.0}
    return "classification" if of_two and are_probabilities(predictions) else "regression"
