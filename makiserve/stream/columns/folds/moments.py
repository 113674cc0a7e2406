"""The column form of variance and standard deviation: see `stream/math/moments.py`."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, choose
from makiserve.stream.engine.fold import Fold

LARGEST_INT = 2**52
"""Differences of integers up to here are exact as floats."""


class Reals(ColumnFold):
    """A reduction that reads integers as floats."""

    def odd(self, values: Array) -> Mask | None:
        return inexact(values)

    def values(self, values: Array) -> Array:
        return values.astype(np.float64, copy=False)

    def scalars(self, values: Array) -> list[Any]:
        scalars: list[Any] = (values if self.kind == np.float64 else values.astype(np.int64)).tolist()
        return scalars


class Moments(Reals):
    """Count, pivot, mean relative to the pivot, and sum of squared deviations, each as floats.

    Args:
        node: the operator.
        kind: the type of the items' array.
        freedom: what is subtracted from the count in the denominator: 1 for a sample, 0 for a population.
        is_root: whether the result is the root of the variance.
    """

    def __init__(self, node: Fold, kind: np.dtype[Any], freedom: int, *, is_root: bool) -> None:
        super().__init__(node, kind)
        self._freedom = freedom
        self._is_root = is_root

    def zero(self, count: int) -> Arrays:
        return np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)

    def single(self, values: Array) -> Arrays:
        return np.ones(1), values, np.zeros(1), nothing(values)

    def add(self, partial: Arrays, values: Array) -> Arrays:
        count, pivot, mean, squares = partial
        first = count == 0
        has_first = first.any()
        if has_first:
            pivot = np.where(first, values, pivot)
        count = count + 1
        relative = values - pivot
        deviation = relative - mean
        moved = deviation / count
        moved += mean
        relative -= moved
        relative *= deviation
        relative += squares
        squares = checked(relative, squares, values)
        return count, pivot, np.where(first, 0.0, moved) if has_first else moved, squares

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        merged = self._merge(earlier, later)
        if self.skip_missing:
            merged = choose(earlier[0] == 0, later, merged)
            merged = choose(later[0] == 0, earlier, merged)
        return merged

    def _merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        count = earlier[0] + later[0]
        deviation = later[1] - earlier[1]
        deviation += later[2] - earlier[2]
        mean = deviation * later[0]
        mean /= count
        mean += earlier[2]
        deviation *= deviation
        deviation *= earlier[0]
        deviation *= later[0]
        deviation /= count
        deviation += earlier[3] + later[3]
        if not all_finite(deviation):
            deviation = np.where(np.isfinite(deviation), deviation, overflowed(earlier[3], later[3]))
        return count, earlier[1], mean, deviation

    def result(self, partial: Arrays) -> Column:
        count, _, _, squares = partial
        variances = squares / np.maximum(count - self._freedom, 1)
        return Column(np.sqrt(variances) if self._is_root else variances)

    def plain(self, partial: Arrays) -> list[Any]:
        rows = zip(*(array.tolist() for array in partial), strict=True)
        is_float = self.kind == np.float64
        return [
            (int(count), pivot if is_float or not count else int(pivot), mean, squares)
            for count, pivot, mean, squares in rows
        ]

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        if any(count and not self._holds(pivot) for count, pivot, _, _ in partials):
            return None
        columns = np.array(partials, np.float64).reshape(-1, 4)
        return tuple(columns[:, index].copy() for index in range(4))

    def _holds(self, value: Any) -> bool:
        if self.kind == np.float64:
            return type(value) is float
        return type(value) is int and abs(value) <= LARGEST_INT


def nothing(values: Array) -> Array:
    """Return the squares of single values: 0.0, or NaN if the value is NaN or infinite."""
    return np.zeros(1) if all_finite(values) else values - values + 0.0


def checked(grown: Array, squares: Array, values: Array) -> Array:
    """Return squares that have grown by values, with the row engine's rule for those that are not finite."""
    if all_finite(grown):
        return grown
    return np.where(np.isfinite(grown), grown, overflowed(squares, values - values))


def all_finite(values: Array) -> bool:
    """Return whether all values are finite; it may be false if they are, but large."""
    return isfinite(np.add.reduce(values))


def overflowed(squares: Array, others: Array) -> Array:
    """Return squares that are not finite: infinite if all of their inputs were numbers, otherwise NaN."""
    return np.where(np.isnan(squares) | np.isnan(others), np.nan, np.inf)


def inexact(values: Array) -> Mask | None:
    """Return which integers floats do not hold with all of their differences; None if there are none."""
    if values.dtype != np.int64:
        return None
    beyond: Mask = (values > LARGEST_INT) | (values < -LARGEST_INT)
    return beyond if beyond.any() else None
