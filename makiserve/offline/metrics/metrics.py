"""How good predictions are, beside baselines that give the figures a meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from makiserve.artifact.predictor import Kind, ModelTask
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

MOST_GROUPS = 50


class GroupMetrics(NamedTuple):
    """The predictions of records that have the same value in a field.

    Attributes:
        by: the field.
        value: as text; None for all the groups together that are smaller than the 50 largest.
        rows: predictions that have a label.
        figures: as in `Metrics`.
    """

    by: str
    value: str | None
    rows: int
    figures: Figures


@dataclass(frozen=True)
class Metrics:
    """How good the predictions of a replay are.

    Attributes:
        kind: regression or classification.
        rows: predictions that have a label.
        figures: by name: rmse, mae, median_ae, max_error, bias (predicted less actual), in the label's unit, and r2; or
            accuracy, f1, precision, recall and, of probabilities, log_loss and auc. nan where these rows define none.
        baselines: the same of predictions that need no model, by what they say: "mean" (in hindsight), "most frequent",
            "last value".
        groups: the same by group, the largest first.
    """

    kind: Kind
    rows: int
    figures: Figures
    baselines: Mapping[str, Figures]
    groups: tuple[GroupMetrics, ...] = ()

    def __getitem__(self, name: str) -> float:
        return self.figures[name]


def evidence(observed: Observed, task: ModelTask) -> RegressionMetrics | ClassificationMetrics:
    """The predictions that have a label, as what the model does.

    Raises:
        ConfigurationError: none has one, predictions and labels are not of the same kind, or the model has several
            targets.
    """
    chosen = observed.labelled
    if not chosen.any():
        raise ConfigurationError(
            f"none of the {len(chosen):,} predictions has a label, so that there is nothing to measure: the field is "
            "empty, or the lane is shorter than the shift of the label"
        )
    predictions, labels, last = (values[chosen] for values in (observed.prediction, observed.label, observed.last))
    if task.targets:
        raise ConfigurationError(
            f"the model predicts {len(task.targets)} targets, and a label is one field: publish the target "
            "that the label is of from a post pipeline, or replay without a label"
        )
    if (task.kind or _kind(predictions, labels)) == "classification":
        return classes(predictions, labels, last, task.classes)
    return amounts(predictions, labels, last)


def measure(observed: Observed, task: ModelTask) -> Metrics:
    """The metrics of what was observed, on the predictions that have a label.

    Raises:
        ConfigurationError: as of `evidence`.
    """
    found = evidence(observed, task)
    chosen = observed.labelled
    groups = [group for name, values in observed.by.items() for group in _groups(name, values[chosen], found)]
    return Metrics(found.kind, len(found.actual), found.figures(), found.baselines(), tuple(groups))


def _groups(by: str, values: Array, found: RegressionMetrics | ClassificationMetrics) -> Iterator[GroupMetrics]:
    names, codes, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    largest = np.argsort(-counts, kind="stable")
    for code in largest[:MOST_GROUPS]:
        yield GroupMetrics(by, str(names[code]), int(counts[code]), found.figures(codes == code))
    if len(rest := largest[MOST_GROUPS:]):
        rows = np.isin(codes, rest)
        yield GroupMetrics(by, None, int(rows.sum()), found.figures(rows))


def _kind(predictions: Array, labels: Array) -> Kind:
    """What a model does that does not say it: text and truth values are classes, as are probabilities of 0 and 1."""
    samples = {type(value) for values in (predictions, labels) for value in values[:100].tolist()}
    if samples & {str, bool}:
        return "classification"
    scores = class_scores(predictions)
    if scores is not None:
        return "classification" if add_up(scores) else "regression"
    of_two = set(np.unique(labels.astype(float)).tolist()) <= {0.0, 1.0}
    return "classification" if of_two and are_probabilities(predictions) else "regression"
