"""Figures of a regression."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from makiserve.offline.metrics.observed import Array
from makiserve.offline.metrics.regression import RegressionMetrics
from makiserve.offline.report.binned import TimeAxis, bins, frame_of
from makiserve.offline.report.elements import Figure, Size, half, wide
from makiserve.offline.report.plot.chart import MAX_POINTS, chart
from makiserve.offline.report.plot.scale import amount

CELLS = 44
WIDE_POINTS = 277
BARS = 49  # an odd number: the middle one is around 0


def regression_figures(metrics: RegressionMetrics, at: TimeAxis, label: str) -> list[Figure]:
    """Return predicted against actual values over time and as a scatter plot, and figures of the errors.

    Predictions and labels that are not finite are not drawn; the metrics count them.
    """
    drawn = np.isfinite(metrics.predicted) & np.isfinite(metrics.actual)
    if not drawn.any():
        return []
    metrics = RegressionMetrics(metrics.predicted[drawn], metrics.actual[drawn], metrics.last[drawn])
    at = at._replace(at=at.at[drawn])
    return [
        over_time(metrics, at, label),
        scatter(metrics, label),
        residuals(metrics, label),
        errors_over_time(metrics, at, label),
    ]


def over_time(metrics: RegressionMetrics, at: TimeAxis, label: str) -> Figure:
    """Return a figure of predicted and actual values over time: means of bins if there are too many points to draw."""
    order = np.argsort(at.at, kind="stable")

    def draw(size: Size) -> Markup:
        count = int(size[0] / 4)
        if len(order) > count:
            actual = bins(at.at, metrics.actual, count, _span(at.at))
            predicted = bins(at.at, metrics.predicted, count, _span(at.at))
            band, heights = (actual.centre, actual.low, actual.high), (actual.low, actual.high, predicted.mean)
            lines = [
                (*_without_gaps(actual.centre, actual.mean), "actual"),
                (*_without_gaps(predicted.centre, predicted.mean), "model"),
            ]
        else:
            band = None
            heights = metrics.actual, metrics.predicted, metrics.predicted
            lines = [(at.at[order], metrics.actual[order], "actual"), (at.at[order], metrics.predicted[order], "model")]
        span = float(np.nanmin(heights)), float(np.nanmax(heights))
        plot = chart(size, _span(at.at), span, "prediction and actual over time", names=(at.name, label),
                     is_time=at.is_time)  # fmt: skip
        if band:
            plot.band(*band, "actual")
        for xs, ys, colour in lines:
            plot.line(xs, ys, colour)
        return plot.svg()

    caption = (
        "Means of short spans. Band: 10th to 90th percentile of actual values." if len(order) > WIDE_POINTS else ""
    )
    return wide("Prediction and actual over time", caption, draw, ("actual", "actual"), ("model", "predicted"))


def scatter(metrics: RegressionMetrics, label: str) -> Figure:
    """Return a figure of predicted (up) against actual (across); correct predictions are on the diagonal."""
    span = frame_of(metrics.actual, metrics.predicted)

    def draw(size: Size) -> Markup:
        plot = chart(size, span, span, "predicted against actual", names=(f"actual {label}", "predicted"),
                     margins=(0.03, 0.03))  # fmt: skip
        plot.line((span[0], span[1]), (span[0], span[1]), "quiet", is_dashed=True)
        if len(metrics.actual) <= MAX_POINTS:
            inside = _inside(metrics.actual, span) & _inside(metrics.predicted, span)
            plot.points(metrics.actual[inside], metrics.predicted[inside], "model")
            return plot.svg()
        counts, edges, _ = np.histogram2d(metrics.actual, metrics.predicted, CELLS, (span, span))
        strongest = np.log1p(counts.max())
        for column, row in np.argwhere(counts > 0):
            number = int(counts[column, row])
            tooltip = f"{number:,} predictions: actual about {amount(edges[column])}, predicted {amount(edges[row])}"
            strength = 0.12 + 0.88 * np.log1p(number) / strongest
            plot.cell(edges[column], edges[column + 1], edges[row], edges[row + 1], strength, tooltip)
        return plot.svg()

    outside = int((~(_inside(metrics.actual, span) & _inside(metrics.predicted, span))).sum())
    beyond = f" {outside:,} of {len(metrics.actual):,} predictions are outside the plot." if outside else ""
    return half("Predicted against actual", f"Correct predictions are on the diagonal.{beyond}", draw)


def residuals(metrics: RegressionMetrics, label: str) -> Figure:
    """Return a figure of the distribution of errors, compared with the errors of always predicting the mean."""
    errors, naive = metrics.errors, metrics.actual.mean() - metrics.actual
    low, high = frame_of(errors, naive)
    reach = max(abs(low), abs(high)) or 1.0
    edges = np.linspace(-reach, reach, BARS + 1)
    shares, others = (np.histogram(values, edges)[0] / len(values) for values in (errors, naive))

    def draw(size: Size) -> Markup:
        plot = chart(size, (-reach, reach), (0, max(shares.max(), others.max()) * 100), "distribution of the errors",
                     names=(f"predicted minus actual {label}", "% of predictions"), margins=(0, 0))  # fmt: skip
        for left, right, share in zip(edges[:-1], edges[1:], shares * 100, strict=True):
            plot.bar(left, right, 0, share, "model", f"{share:.2f} % from {amount(left)} to {amount(right)}")
        plot.line(np.repeat(edges, 2)[1:-1], np.repeat(others * 100, 2), "other")
        return plot.svg()

    caption = "The narrower around 0, the better."
    return half("Errors", caption, draw, ("model", "model"), ("other", "predicting the mean"))


def errors_over_time(metrics: RegressionMetrics, at: TimeAxis, label: str) -> Figure:
    """Return a figure of the errors over time."""
    errors = metrics.errors

    def draw(size: Size) -> Markup:
        count = min(int(size[0] / 8), max(len(errors) // 4, 1))
        binned = bins(at.at, errors, count, _span(at.at))
        low, high = np.nanmin([binned.low, binned.high]), np.nanmax([binned.low, binned.high])
        plot = chart(size, _span(at.at), (min(low, 0), max(high, 0)), "errors over time",
                     names=(at.name, f"predicted minus actual {label}"), is_time=at.is_time)  # fmt: skip
        plot.band(binned.centre, binned.low, binned.high, "model")
        plot.line(_span(at.at), (0, 0), "quiet", is_dashed=True)
        plot.line(*_without_gaps(binned.centre, binned.mean), "model")
        return plot.svg()

    caption = "Mean. Band: 10th to 90th percentile. A mean that drifts from 0 shows that the model is getting worse."
    return wide("Errors over time", caption, draw)


def _span(values: Array) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _inside(values: Array, span: tuple[float, float]) -> Array:
    return (values >= span[0]) & (values <= span[1])


def _without_gaps(xs: Array, ys: Array) -> tuple[Array, Array]:
    """Remove empty bins: they are between sparse points, not gaps in the data."""
    full = ~np.isnan(ys)
    return xs[full], ys[full]
