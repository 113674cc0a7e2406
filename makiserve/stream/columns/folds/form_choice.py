"""Which column form a reduction has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Items, Rows
from makiserve.stream.columns.folds.counts import AtLeast, Counts
from makiserve.stream.columns.folds.extremes import Extreme
from makiserve.stream.columns.folds.fading import Fading
from makiserve.stream.columns.folds.fold import ColumnFold
from makiserve.stream.columns.folds.moments import Moments
from makiserve.stream.columns.folds.objects import ObjectFold
from makiserve.stream.columns.folds.sums import FloatMean, FloatSum, IntMean, IntSum
from makiserve.stream.engine.fold import Fold
from makiserve.stream.math.ewm import EwmMean, EwmStddev
from makiserve.stream.math.extremes import Max, Min
from makiserve.stream.math.formal import FormalStddev, FormalVariance
from makiserve.stream.math.mean import Mean
from makiserve.stream.math.sum import Sum
from makiserve.stream.math.variance import Stddev, Variance
from makiserve.stream.ops.count import Count

Make = Callable[[Any, "np.dtype[Any]"], ColumnFold]

FORMS: dict[type[Fold], Make] = {
    Count: Counts,
    Sum: lambda node, kind: (FloatSum if kind == np.float64 else IntSum)(node, kind),
    Mean: lambda node, kind: (FloatMean if kind == np.float64 else IntMean)(node, kind),
    Variance: lambda node, kind: Moments(node, kind, 1, is_root=False),
    Stddev: lambda node, kind: Moments(node, kind, 1, is_root=True),
    FormalVariance: lambda node, kind: Moments(node, kind, 0, is_root=False),
    FormalStddev: lambda node, kind: Moments(node, kind, 0, is_root=True),
    EwmMean: Fading,
    EwmStddev: Fading,
    Min: lambda node, kind: Extreme(node, kind, np.minimum),
    Max: lambda node, kind: Extreme(node, kind, np.maximum),
}
"""The forms for items of one numeric kind."""


def column_fold(node: Fold, items: Items) -> ColumnFold:
    """Return the column form of a reduction for items such as these: with their types, not their values."""
    if type(node) is Count:
        return Counts(node, np.dtype(np.bool_))
    make = FORMS.get(type(node))
    if make is None or isinstance(items, Rows) or items.values.dtype == object:
        return ObjectFold(node)
    form = make(node, items.values.dtype)
    return AtLeast(node, form, node.min_periods) if node.min_periods else form
