"""The bins for the numbers of a training set. Decision 0120."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COARSE = 10
"""The number of bins of about equal shares that the population stability index compares, apart from frequent values."""

FINE = 50
"""The number of bins of about equal shares that are counted. The distance compares them one by one."""

TAILS = (0.001, 0.005, 0.01, 0.99, 0.995, 0.999)
"""Additional quantiles for edges, so that a long tail is not one bin."""

MIN_PER_BIN = 20
"""The minimum number of values for a bin: the share of a smaller bin is mostly chance. A small training set still gets
up to four bins."""

MAX_DISTINCT = 100
REPEATS = 5
"""A feature with no more than 100 values, most of which occur at least five times, is discrete: each value has a bin.
"""

FREQUENT = 0.05
"""Minimum share of a value that has a separate bin, although its feature is not discrete."""


def edges_of(values: Floats) -> Floats:
    """Return the upper edges of all bins but the last, ascending. The upper edge belongs to the bin.

    The bin of a frequent value contains only that value: its lower edge is the next smaller float.

    Args:
        values: the finite values of a training set, at least one.
    """
    distinct, counts = np.unique(values, return_counts=True)
    is_discrete = len(distinct) <= MAX_DISTINCT and np.median(counts) >= REPEATS
    is_frequent = (counts >= REPEATS) & (counts >= FREQUENT * len(values))
    frequent = distinct if is_discrete else distinct[is_frequent]
    rest = values[~np.isin(values, frequent)]
    parts = min(FINE, max(rest.size // MIN_PER_BIN, min(4, rest.size // REPEATS)))
    at = np.concatenate([np.linspace(0, 1, parts + 1)[1:-1], TAILS if rest.size >= FINE * MIN_PER_BIN else ()])
    inner = np.quantile(rest, at, method="lower") if parts > 1 else rest[:0]
    edges: Floats = np.unique(np.concatenate([next_below(frequent), frequent, inner]))
    finite: Floats = edges[np.isfinite(edges)]
    return finite


def next_below(values: Any) -> Floats:
    """Return the next smaller floats; those of 0 and the largest floats raise if a program asks numpy for errors."""
    with np.errstate(all="ignore"):
        below: Floats = np.nextafter(values, -np.inf)
    return below


def groups_of(edges: Floats, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each bin the number of its group in the population stability index.

    Bins that are empty in the training are group 0. The bin of a frequent value is a separate group. The other bins are
    merged into ten groups of about equal shares.
    """
    is_value = np.zeros(len(counts), bool)
    is_value[1:-1] = next_below(edges[1:]) == edges[:-1]
    rest = np.where(is_value, 0, counts)
    middle = (np.cumsum(rest) - rest / 2) / max(int(rest.sum()), 1)
    groups = 1 + np.minimum((COARSE * middle).astype(np.int64), COARSE - 1)
    groups[is_value] = 1 + COARSE + np.arange(int(is_value.sum()))
    groups[counts == 0] = 0
    return groups
