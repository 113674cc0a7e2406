"""The evidence on a classification: predicted and actual classes, and probabilities if the model returns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn import metrics as sk

from makiserve.errors import ConfigurationError
from makiserve.offline.metrics.observed import Array

UNKNOWN = -1


@dataclass(frozen=True)
class ClassificationMetrics:
    """Predictions of classes that have a label. A class is its index in `classes`.

    Attributes:
        classes: their names.
        predicted: int[n].
        actual: int[n].
        last: int[n], the last label known before; -1 if there was none.
        probabilities: float64[n, len(classes)]; None if the model returns only classes.
    """

    classes: tuple[str, ...]
    predicted: Array
    actual: Array
    last: Array
    probabilities: Array | None

    kind: ClassVar[Literal["classification"]] = "classification"
    names: ClassVar[tuple[str, ...]] = ("accuracy", "f1", "precision", "recall", "log_loss", "auc")

    @property
    def is_binary(self) -> bool:
        """Return whether there are two classes. If so, f1, precision and recall are those of the second."""
        return len(self.classes) == 2

    def figures(self, rows: Any = slice(None)) -> dict[str, float]:
        """Return the metrics of some rows. With more than two classes all but accuracy and log_loss are class means."""
        actual = self.actual[rows]
        figures = _figures(self.predicted[rows], actual, is_binary=self.is_binary)
        if self.probabilities is not None:
            figures |= _of_probabilities(self.probabilities[rows], actual)
        return figures

    def baselines(self) -> dict[str, dict[str, float]]:
        """Return the metrics of always predicting the most frequent class, and of predicting the last label."""
        counts = np.bincount(self.actual, minlength=len(self.classes))
        always = np.full(len(self.actual), counts.argmax())
        baselines = {"most frequent": _figures(always, self.actual, is_binary=self.is_binary)}
        if self.probabilities is not None:
            shares = np.tile(counts / counts.sum(), (len(self.actual), 1))
            baselines["most frequent"] |= _of_probabilities(shares, self.actual)
        known = self.last != UNKNOWN
        if known.any():
            baselines["last value"] = _figures(self.last[known], self.actual[known], is_binary=self.is_binary)
        return baselines


def classes(predictions: Array, labels: Array, last: Array, known: Sequence[Any]) -> ClassificationMetrics:
    """Return the evidence of a classification.

    Args:
        predictions: classes; or a probability or another score for each class, as a list or by name; or the
            probability of the second class alone.
        labels: classes.
        last: the last label known before each of these; None or nan if there was none.
        known: the model's classes in the order of its probabilities; empty if the model does not declare them.

    Raises:
        ConfigurationError: predictions and labels are not of the same classes.
    """
    scores = class_scores(predictions)
    if scores is None and not known and are_probabilities(predictions):
        scores = np.column_stack([1 - predictions, predictions])
    seen = set(labels.tolist()) | (set() if scores is not None else set(predictions.tolist()))
    order = list(known) or sorted(seen, key=lambda name: (str(type(name)), name))
    index = {name: number for number, name in enumerate(order)}
    unknown = [repr(name) for name in seen if name not in index]
    if unknown or (scores is not None and scores.shape[1] != len(order)):
        observed = f"labels such as {', '.join(unknown[:3])}" if unknown else f"{len(order)} classes in the labels"
        width = f" ({scores.shape[1]} probabilities)" if scores is not None else ""
        raise ConfigurationError(
            f"the data have {observed}, but the model predicts {', '.join(map(repr, order[:5]))}{width}: labels and "
            "predictions must have the same classes and the same type"
        )
    predicted = _codes(predictions, index) if scores is None else scores.argmax(axis=1)
    probabilities = scores if scores is not None and add_up(scores) else None
    return ClassificationMetrics(
        tuple(map(str, order)), predicted, _codes(labels, index), _codes(last, index), probabilities
    )


def class_scores(predictions: Array) -> Array | None:
    """Return the scores of each class, float64[n, classes], given as lists or by name; None if there is one value."""
    if predictions.ndim == 2:
        return predictions.astype(np.float64)
    if predictions.dtype.kind == "O" and len(predictions) and all(isinstance(scores, dict) for scores in predictions):
        rows = [list(scores.values()) for scores in predictions]
        if all(isinstance(value, int | float) for row in rows for value in row) and len(set(map(len, rows))) == 1:
            return np.array(rows, np.float64)
    return None


def add_up(scores: Array) -> bool:
    """Return whether scores are probabilities, rather than logarithms or distances."""
    return bool((scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3))


def are_probabilities(values: Array) -> bool:
    """Return whether values can be probabilities rather than classes: all are from 0 to 1, and not only 0 and 1."""
    if values.dtype.kind != "f" or not values.size:
        return False
    return bool((values >= 0).all() and (values <= 1).all() and not np.isin(values, (0.0, 1.0)).all())


def _codes(values: Array, index: dict[Any, int]) -> Array:
    return np.fromiter((index.get(value, UNKNOWN) for value in values.tolist()), np.int64, len(values))


def _figures(predicted: Array, actual: Array, *, is_binary: bool) -> dict[str, float]:
    average = {"average": "binary", "pos_label": 1} if is_binary else {"average": "macro"}
    precision, recall, f1, _ = sk.precision_recall_fscore_support(actual, predicted, zero_division=0.0, **average)
    accuracy = sk.accuracy_score(actual, predicted)
    return {"accuracy": float(accuracy), "f1": float(f1), "precision": float(precision), "recall": float(recall)}


def _of_probabilities(probabilities: Array, actual: Array) -> dict[str, float]:
    """Return the log loss and the area under the ROC curve, which is nan unless all classes are among the labels."""
    width = probabilities.shape[1]
    loss = sk.log_loss(actual, probabilities, labels=range(width))
    if len(np.unique(actual)) < width or width < 2:
        area = float("nan")
    elif width == 2:
        area = sk.roc_auc_score(actual, probabilities[:, 1])
    else:
        area = sk.roc_auc_score(actual, probabilities, multi_class="ovr", labels=range(width))
    return {"log_loss": float(loss), "auc": float(area)}
