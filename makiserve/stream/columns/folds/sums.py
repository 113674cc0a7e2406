"""The column forms of `math.sum` and `math.mean`: see `stream/math/compensated.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask
from makiserve.stream.columns.folds.fold import LARGEST_BATCH, Arrays, ColumnFold, without

LARGEST_FLOAT = 2.0**1000
LARGEST_INT = 2**62 // LARGEST_BATCH
EXACT = 2**53
"""Up to here every integer is a float."""


class FloatSum(ColumnFold):
    """Sums of floats: the total, and the rest that rounding took from it.

    The row engine begins with the integer 0, which is the sum of no values. Here its total is -0.0, which no sum of
    values is, as `values` turns a -0.0 into 0.0.
    """

    def zero(self, count: int) -> Arrays:
        return np.full(count, -0.0), np.zeros(count)

    def single(self, values: Array) -> Arrays:
        return values, np.zeros(1) if np.isfinite(values).all() else values - values

    def add(self, partial: Arrays, values: Array) -> Arrays:
        total, rest = partial
        sums = total + values
        return sums, rest + rounding_error(total, values, sums)

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        total, rest = self.add(earlier, later[0])
        return total, rest + later[1]

    def result(self, partial: Arrays) -> Column:
        total, rest = partial
        corrected = total + rest
        unknown = np.isnan(corrected)
        results = np.where(unknown, total, corrected) if unknown.any() else corrected
        empty = is_empty(total)
        if not empty.any():
            return Column(results)
        values = results.astype(object)
        values[empty] = 0
        return Column(values)

    def plain(self, partial: Arrays) -> list[Any]:
        pairs = zip(*(array.tolist() for array in partial), is_empty(partial[0]).tolist(), strict=True)
        return [(0, 0) if empty else (total, rest) for total, rest, empty in pairs]

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        floats = [(-0.0, 0.0) if _is_zero(partial) else partial for partial in partials]
        if any(type(value) is not float for pair in floats for value in pair):
            return None
        pairs = np.array(floats, np.float64).reshape(-1, 2)
        return pairs[:, 0].copy(), pairs[:, 1].copy()

    def outgrown(self, partial: Arrays) -> Mask | None:
        return too_large(partial[0])

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        totals = np.add.accumulate(np.concatenate((carry[0], values)))
        errors = rounding_error(totals[:-1], values, totals[1:])
        return totals[1:], np.add.accumulate(np.concatenate((carry[1], errors)))[1:]

    def odd(self, values: Array) -> Mask | None:
        return too_large(values)

    def values(self, values: Array) -> Array:
        return values + 0.0


class FloatMean(FloatSum):
    """Means of floats: the number of values, and their sum."""

    def zero(self, count: int) -> Arrays:
        return np.zeros(count), *super().zero(count)

    def single(self, values: Array) -> Arrays:
        return np.ones(1), *super().single(values)

    def add(self, partial: Arrays, values: Array) -> Arrays:
        return partial[0] + 1, *super().add(partial[1:], values)

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        total, rest = FloatSum.add(self, earlier[1:], later[1])
        return earlier[0] + later[0], total, rest + later[2]

    def result(self, partial: Arrays) -> Column:
        count, total, rest = partial
        empty = count == 0
        divisor = np.maximum(count, 1)
        corrected = (total + rest) / divisor
        unknown = np.isnan(corrected)
        means = np.where(unknown, total / divisor, corrected) if unknown.any() else corrected
        return without(Column(means), empty)

    def plain(self, partial: Arrays) -> list[Any]:
        return list(zip(map(int, partial[0].tolist()), super().plain(partial[1:]), strict=True))

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        sums = super().from_plain([sum_ for _, sum_ in partials])
        return sums and (np.array([count for count, _ in partials], np.float64), *sums)

    def outgrown(self, partial: Arrays) -> Mask | None:
        return super().outgrown(partial[1:])

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        return carry[0] + np.arange(1, len(values) + 1), *super().accumulate(carry[1:], values)


class IntSum(ColumnFold):
    """Sums of integers, or of booleans, which count as 0 and 1: exact."""

    def zero(self, count: int) -> Arrays:
        return (np.zeros(count, np.int64),)

    def single(self, values: Array) -> Arrays:
        return (values,)

    def add(self, partial: Arrays, values: Array) -> Arrays:
        return (partial[0] + values,)

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        return self.add(earlier, later[0])

    def result(self, partial: Arrays) -> Column:
        return Column(partial[0])

    def plain(self, partial: Arrays) -> list[Any]:
        return [(total, 0) for total in partial[0].tolist()]

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        if any(type(total) is not int or type(rest) is not int for total, rest in partials):
            return None
        if any(abs(total) > 2**62 for total, _ in partials):
            return None
        return (np.array([total for total, _ in partials], np.int64),)

    def outgrown(self, partial: Arrays) -> Mask | None:
        return _beyond(partial[0], 2**62)

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        return (carry[0] + np.add.accumulate(values),)

    def odd(self, values: Array) -> Mask | None:
        return None if values.dtype == np.bool_ else _beyond(values, LARGEST_INT)

    def values(self, values: Array) -> Array:
        return values.astype(np.int64, copy=False)


class IntMean(IntSum):
    """Means of integers: the number of values, and their sum."""

    def zero(self, count: int) -> Arrays:
        return np.zeros(count, np.int64), *super().zero(count)

    def single(self, values: Array) -> Arrays:
        return np.ones(1, np.int64), values

    def add(self, partial: Arrays, values: Array) -> Arrays:
        return partial[0] + 1, partial[1] + values

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        return earlier[0] + later[0], earlier[1] + later[1]

    def result(self, partial: Arrays) -> Column:
        count, total = partial
        means = total / np.maximum(count, 1)
        inexact = _beyond(total, EXACT)
        if inexact is not None:
            for index in np.flatnonzero(inexact).tolist():
                means[index] = int(total[index]) / int(count[index])
        return without(Column(means), count == 0)

    def plain(self, partial: Arrays) -> list[Any]:
        return list(zip(partial[0].tolist(), super().plain(partial[1:]), strict=True))

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        sums = super().from_plain([sum_ for _, sum_ in partials])
        return sums and (np.array([count for count, _ in partials], np.int64), *sums)

    def outgrown(self, partial: Arrays) -> Mask | None:
        return super().outgrown(partial[1:])

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        return carry[0] + np.arange(1, len(values) + 1), *super().accumulate(carry[1:], values)


def rounding_error(total: Array, value: Array, sums: Array) -> Array:
    """Return what rounding took from `sums = total + value` (Knuth 1969): NaN if the sum is not finite.

    It is exact, as is the error that the row engine computes with a comparison, so they are equal.
    """
    moved = sums - total
    error: Array = sums - moved
    np.subtract(total, error, out=error)
    error += value - moved
    return error


def is_empty(total: Array) -> Mask:
    """Return which sums have no values."""
    empty: Mask = np.signbit(total) & (total == 0)
    return empty


def too_large(values: Array) -> Mask | None:
    """Return which floats are finite, but too large to be added up without overflow; None if there are none."""
    sizes = np.abs(values)
    large: Mask = (sizes >= LARGEST_FLOAT) & (sizes < np.inf)
    return large if large.any() else None


def _beyond(values: Array, bound: int) -> Mask | None:
    beyond: Mask = (values > bound) | (values < -bound)
    return beyond if beyond.any() else None


def _is_zero(partial: Any) -> bool:
    return all(type(value) is int and value == 0 for value in partial)
