"""Figures of the features: the distributions of the model's inputs and of its training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from makiserve.offline.metrics.observed import Array
from makiserve.offline.report.binned import frame_of
from makiserve.offline.report.elements import Figure, ReportSection
from makiserve.offline.report.plot.chart import Chart, chart
from makiserve.offline.report.plot.scale import amount
from makiserve.scoring.drift import ColumnProfile, FeatureDrift
from makiserve.scoring.drift.item_columns import is_missing, numbers

SMALL = (300.0, 190.0)
BARS, MAX_NAMES = 28, 6
MAX_WHOLE_RANGE = 60
"""Whole numbers have one bar each if their range is smaller than this."""
NOTABLE = 0.2
"""Features with this distance or more come first: a fifth of the rows would have to move."""
CHANCE = 1.63
"""By chance, a distance exceeds this over the root of the training's size once in a hundred (Kolmogorov, 1933)."""

Training = Mapping[str, ColumnProfile]
Drifts = Mapping[str, FeatureDrift]


class _Compared(NamedTuple):
    distance: float
    figure: Figure


def distributions(values: Mapping[str, Sequence[Any]], training: Training, drift: Drifts) -> ReportSection | None:
    """Return a small figure for each feature, those with the largest drift first; None without features.

    Args:
        values: a sample of each feature.
        training: the statistics of the training.
        drift: the drift of all values from the training.
    """
    compared = [_compare(name, column, training.get(name), drift.get(name)) for name, column in values.items()]
    if not compared:
        return None
    compared.sort(key=lambda feature: -feature.distance)
    caption = (
        "Filled: this replay. Outline: the training data. Features are sorted by distance. The distance is 0 for "
        "equal distributions and at most 1: for numbers the Kolmogorov-Smirnov statistic, for text the total "
        "variation distance. Missing and new values count."
    )
    return ReportSection("features", "Features", caption, [feature.figure for feature in compared], is_small=True)


def _compare(name: str, values: Sequence[Any], training: ColumnProfile | None, drift: FeatureDrift | None) -> _Compared:
    present = [value for value in values if not is_missing(value)]
    is_text = any(isinstance(value, str) for value in present) if training is None else training.categories is not None
    plot = _names(name, Counter(map(str, present)), training) if is_text else _numbers(name, present, training)
    ticks = 0 if is_text else 4
    missing_share = 1 - len(present) / max(len(values), 1)
    words = _words(drift) if drift and drift.seen else [f"{missing_share:.1%} missing"] if missing_share else []
    figure = Figure(name, ", ".join(words), (plot.svg(x_ticks=ticks, y_ticks=3),))
    return _Compared(_notable(training, drift), figure)


def _numbers(name: str, present: Sequence[Any], training: ColumnProfile | None) -> Chart:
    values = numbers(present)
    values = values[~np.isnan(values)]
    edges = _edges(values, training)
    shares = np.histogram(values, edges)[0] / max(len(values), 1) * 100
    other = training.shares_between(edges) * 100 if training else np.zeros(len(shares))
    plot = _empty(name, (edges[0], edges[-1]), max(shares.max(), other.max()))
    for left, right, share in zip(edges[:-1], edges[1:], shares, strict=True):
        plot.bar(left, right, 0, share, "model", f"{share:.1f} % from {amount(left)} to {amount(right)}")
    if training:
        plot.line(np.repeat(edges, 2)[1:-1], np.repeat(other, 2), "other")
    return plot


def _edges(values: Array, training: ColumnProfile | None) -> Array:
    """Return the edges of the bars."""
    frames = [frame_of(side) for side in (values, training.spread() if training else values[:0]) if side.size]
    low, high = min(low for low, _ in frames or [(0.0, 0.0)]), max(high for _, high in frames or [(0.0, 1.0)])
    if high - low < MAX_WHOLE_RANGE and (values == np.round(values)).all() and _is_whole(training):
        return np.arange(np.round(low), np.round(high) + 2) - 0.5
    return np.linspace(low, high if high > low else low + 1, BARS + 1)


def _is_whole(training: ColumnProfile | None) -> bool:
    """Return whether the training had only whole numbers, as far as its bins show."""
    return training is None or bool(np.isclose(training.edges, np.round(training.edges), atol=1e-12).all())


def _names(name: str, values: Counter[str], training: ColumnProfile | None) -> Chart:
    total = max(values.total(), 1)
    known = dict(zip(training.categories or (), training.shares * 100, strict=False)) if training else {}
    shares = {key: count / total * 100 for key, count in values.items()}
    most = sorted(shares | known, key=lambda key: -(shares.get(key, 0.0) + known.get(key, 0.0)))[:MAX_NAMES]
    plot = _empty(
        name, (0, max(len(most), 1)), max((max(shares.get(key, 0.0), known.get(key, 0.0)) for key in most), default=1.0)
    )
    for place, key in enumerate(most):
        share, training_share = shares.get(key, 0.0), known.get(key, 0.0)
        plot.bar(
            place + 0.12, place + 0.88, 0, share, "model", f"{key}: {share:.1f} %, training {training_share:.1f} %"
        )
        if training:
            plot.line((place + 0.12, place + 0.88), (training_share, training_share), "other")
        plot.text(place + 0.5, 0, key if len(key) <= 6 else key[:5] + "…", "below", dy=16)
    return plot


def _empty(name: str, across: tuple[float, float], top: float) -> Chart:
    return chart(
        SMALL, across, (0, max(top, 1e-9)), f"distribution of {name}", names=("", "%"), left=34.0, margins=(0, 0)
    )


def _words(drift: FeatureDrift) -> list[str]:
    words = [f"distance {drift.distance:.2f}"]
    if drift.nulls or drift.expected_nulls:
        words.append(f"{drift.nulls:.1%} missing ({drift.expected_nulls:.1%} in training)")
    if drift.out_of_range > 0:
        words.append(f"{drift.out_of_range:.1%} new")
    return words


def _notable(training: ColumnProfile | None, drift: FeatureDrift | None) -> float:
    """Return the distance if it is notable and more than chance, otherwise 0."""
    if training is None or drift is None or not drift.seen:
        return 0.0
    return drift.distance if drift.distance >= max(NOTABLE, CHANCE / training.count**0.5) else 0.0
