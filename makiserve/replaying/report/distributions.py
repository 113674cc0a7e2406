"""Figures of the features: what the model was given, beside what it was trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from scipy.stats import ks_2samp

from makiserve.replaying.metrics.observed import Array
from makiserve.replaying.report.binned import frame_of
from makiserve.replaying.report.figure import Figure
from makiserve.replaying.report.plot.chart import Chart, chart
from makiserve.replaying.report.plot.scale import amount
from makiserve.replaying.report.section import Section

SMALL = (300.0, 190.0)
BARS, MOST_NAMES = 28, 6
NOTABLE = 0.2
"""A distance, from 0 to 1, from which on it is written out: a fifth of the rows would have to move."""
CHANCE = 1.63
"""By this over the root of the reference's size a distance is chance but once in a hundred (Kolmogorov, 1933)."""


class _Compared(NamedTuple):
    name: str
    distance: float
    figure: Figure


def distributions(values: Mapping[str, Sequence[Any]], reference: Mapping[str, Sequence[Any]]) -> Section | None:
    """A small figure for each feature, those first that have moved most; None where there are no features."""
    found = [_compare(name, column, reference.get(name, ())) for name, column in values.items()]
    if not found:
        return None
    found.sort(key=lambda one: -one.distance)
    says = (
        "Filled: in this replay. Outline: in the model's training, as its statistics tell. Those that differ most come "
        "first; the distance is the greatest of the cumulative shares, 0 where they are alike (Kolmogorov-Smirnov)."
    )
    return Section("features", "Features", says, [one.figure for one in found], is_small=True)


def _compare(name: str, values: Sequence[Any], reference: Sequence[Any]) -> _Compared:
    present, known = ([value for value in side if value is not None] for side in (values, reference))
    gone = 1 - len(present) / len(values) if len(values) else 0.0
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in (*present, *known)):
        return _numbers(name, _finite(present), _finite(known), gone)
    return _names(name, Counter(map(str, present)), Counter(map(str, known)), gone)


def _numbers(name: str, values: Array, reference: Array, gone: float) -> _Compared:
    distance = float(ks_2samp(values, reference).statistic) if len(values) and len(reference) else 0.0
    low, high = frame_of(values, reference)
    edges = np.linspace(low, high if high > low else low + 1, BARS + 1)
    own, other = (np.histogram(side, edges)[0] / max(len(side), 1) * 100 for side in (values, reference))
    plot = _empty(name, (edges[0], edges[-1]), max(own.max(), other.max(), 1e-9))
    for left, right, share in zip(edges[:-1], edges[1:], own, strict=True):
        plot.bar(left, right, 0, share, "model", f"{share:.1f} % from {amount(left)} to {amount(right)}")
    if len(reference):
        plot.line(np.repeat(edges, 2)[1:-1], np.repeat(other, 2), "other")
    return _compared(name, plot.svg(x_ticks=4, y_ticks=3), distance, len(reference), gone)


def _names(name: str, values: Counter[str], reference: Counter[str], gone: float) -> _Compared:
    """Names have no order: half the sum of the differences of their shares is the distance."""
    sums = max(values.total(), 1), max(reference.total(), 1)
    share = {key: (values[key] / sums[0] * 100, reference[key] / sums[1] * 100) for key in values | reference}
    distance = sum(abs(own - other) for own, other in share.values()) / 200 if reference else 0.0
    most = [key for key, _ in (values + reference).most_common(MOST_NAMES)]
    plot = _empty(name, (0, max(len(most), 1)), max((max(share[key]) for key in most), default=1.0))
    for place, key in enumerate(most):
        own, other = share[key]
        plot.bar(place + 0.12, place + 0.88, 0, own, "model", f"{key}: {own:.1f} %, reference {other:.1f} %")
        if reference:
            plot.line((place + 0.12, place + 0.88), (other, other), "other")
        plot.text(place + 0.5, 0, key if len(key) <= 6 else key[:5] + "…", "below", dy=16)
    return _compared(name, plot.svg(x_ticks=0, y_ticks=3), distance, reference.total(), gone)


def _empty(name: str, across: tuple[float, float], top: float) -> Chart:
    return chart(SMALL, across, (0, top), f"distribution of {name}", names=("", "%"), left=34.0, margins=(0, 0))


def _compared(name: str, plot: Markup, distance: float, known: int, gone: float) -> _Compared:
    is_notable = distance >= max(NOTABLE, CHANCE / max(known, 1) ** 0.5)
    words = [f"distance {distance:.2f}"] if is_notable else []
    words += [f"{gone:.1%} missing"] if gone else []
    return _Compared(name, distance if is_notable else 0.0, Figure(name, ", ".join(words), (plot,)))


def _finite(values: Sequence[Any]) -> Array:
    found = np.array(values, np.float64)
    return found[np.isfinite(found)]
