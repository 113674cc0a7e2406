"""Figures of a classification."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, roc_curve

from makiserve.offline.metrics.classification import ClassificationMetrics
from makiserve.offline.metrics.observed import Array
from makiserve.offline.report.binned import TimeAxis, bins
from makiserve.offline.report.elements import Figure, Size, half, wide
from makiserve.offline.report.plot.chart import chart

MAX_CLASSES = 12
"""Maximum number of classes in a confusion matrix; a larger one is not readable."""
BARS = 40


def classification_figures(metrics: ClassificationMetrics, at: TimeAxis) -> list[Figure]:
    """Return accuracy over time, the confusion matrix, and the figures of the probabilities."""
    figures = [accuracy_over_time(metrics, at)]
    if len(metrics.classes) <= MAX_CLASSES:
        figures.append(confusion(metrics))
    if metrics.probabilities is not None and metrics.is_binary and len(np.unique(metrics.actual)) == 2:
        chance = metrics.probabilities[:, 1]
        figures += [separation(metrics, chance), receiver(metrics, chance), calibration(metrics, chance)]
    return figures


def accuracy_over_time(metrics: ClassificationMetrics, at: TimeAxis) -> Figure:
    """Return a figure of the accuracy over time."""
    right = (metrics.predicted == metrics.actual) * 100.0

    def draw(size: Size) -> Markup:
        count = min(int(size[0] / 12), max(len(right) // 20, 1))
        span = float(at.at.min()), float(at.at.max())
        binned = bins(at.at, right, count, span)
        full = ~np.isnan(binned.mean)
        plot = chart(size, span, (0, 100), "accuracy over time", names=(at.name, "% correct"), margins=(0, 0),
                     is_time=at.is_time)  # fmt: skip
        plot.line(span, (right.mean(), right.mean()), "quiet", is_dashed=True)
        plot.line(binned.centre[full], binned.mean[full], "model")
        return plot.svg()

    return wide("Correct predictions over time", "Accuracy over short spans. Dashed: the mean.", draw)


def confusion(metrics: ClassificationMetrics) -> Figure:
    """Return a figure of the confusion matrix."""
    counts = confusion_matrix(metrics.actual, metrics.predicted, labels=range(len(metrics.classes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    total, names = len(metrics.classes), [name if len(name) <= 12 else name[:11] + "…" for name in metrics.classes]

    def draw(size: Size) -> Markup:
        plot = chart(size, (0, total), (0, total), "confusion", names=("predicted", "actual"), left=84.0,
                     margins=(0, 0))  # fmt: skip
        for actual in range(total):
            row = total - 1 - actual
            plot.text(0, row + 0.5, names[actual], "left label", dx=-6)
            plot.text(actual + 0.5, 0, names[actual], "below label", dy=16)
            for predicted in range(total):
                number, share = counts[actual, predicted], shares[actual, predicted]
                tooltip = (
                    f"{number:,} of {metrics.classes[actual]} predicted as {metrics.classes[predicted]} ({share:.1%})"
                )
                plot.cell(predicted, predicted + 1, row, row + 1, 0.06 + 0.6 * share, tooltip)
                if total <= 6:
                    plot.text(predicted + 0.5, row + 0.5, f"{number:,}", "on")
        return plot.svg(x_ticks=0, y_ticks=0)

    return half("Confusion", "The diagonal contains the correct predictions.", draw)


def separation(metrics: ClassificationMetrics, chance: Array) -> Figure:
    """Return a figure of the predicted probabilities of each of the two classes."""
    edges = np.linspace(0, 1, BARS + 1)
    shares = [np.histogram(chance[metrics.actual == code], edges)[0] for code in (0, 1)]
    shares = [counts / max(counts.sum(), 1) * 100 for counts in shares]

    def draw(size: Size) -> Markup:
        plot = chart(size, (0, 1), (0, max(map(np.max, shares))), "probabilities by class", margins=(0, 0),
                     names=(f"probability of {metrics.classes[1]}", "% of the class"))  # fmt: skip
        for counts, colour in zip(shares, ("actual", "model"), strict=True):
            for left, right, share in zip(edges[:-1], edges[1:], counts, strict=True):
                plot.bar(left, right, 0, share, colour, f"{share:.1f} % from {left:.3f} to {right:.3f}")
        return plot.svg()

    legend = ("actual", f"actual {metrics.classes[0]}"), ("model", f"actual {metrics.classes[1]}")
    return half("Probabilities", "The less the two overlap, the better.", draw, *legend)


def receiver(metrics: ClassificationMetrics, chance: Array) -> Figure:
    """Return a figure of the ROC curve: true positives and false alarms at each threshold."""
    false, true, thresholds = roc_curve(metrics.actual == 1, chance)
    shown = np.unique(np.linspace(0, len(thresholds) - 1, 400).astype(int))

    def draw(size: Size) -> Markup:
        plot = chart(size, (0, 1), (0, 1), "receiver operating characteristic", margins=(0, 0),
                     names=("false positive rate", "true positive rate"))  # fmt: skip
        plot.line((0, 1), (0, 1), "quiet", is_dashed=True)
        plot.line(false[shown], true[shown], "model")
        return plot.svg()

    return half("ROC curve", "For every threshold. Dashed: random guessing.", draw)


def calibration(metrics: ClassificationMetrics, chance: Array) -> Figure:
    """Return a figure of the calibration: the predicted probability against the observed frequency."""
    observed, predicted = calibration_curve(metrics.actual == 1, chance, n_bins=15, strategy="quantile")

    def draw(size: Size) -> Markup:
        plot = chart(size, (0, 1), (0, 1), "calibration", margins=(0.02, 0.02),
                     names=(f"predicted probability of {metrics.classes[1]}", "observed share"))  # fmt: skip
        plot.line((0, 1), (0, 1), "quiet", is_dashed=True)
        plot.line(predicted, observed, "model")
        plot.points(predicted, observed, "model")
        return plot.svg()

    return half("Calibration", "On the diagonal, predicted probabilities match the observed shares.", draw)
