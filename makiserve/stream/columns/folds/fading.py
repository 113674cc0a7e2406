"""The column form of `math.ewm_mean` and `math.ewm_stddev`: see `stream/math/decay.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask
from makiserve.stream.columns.folds.fold import Arrays, choose, without
from makiserve.stream.columns.folds.moments import LARGEST_INT, Reals, all_finite, checked, nothing, overflowed
from makiserve.stream.math.ewm import EwmMean, EwmStddev


class Fading(Reals):
    """Count, mean, its rounding error, weighted squares, sum of weights, and sum of their squares, each as floats.

    The mean of a single integer is an integer in the row engine.
    """

    def __init__(self, node: EwmMean | EwmStddev, kind: np.dtype[Any]) -> None:
        super().__init__(node, kind)
        self._keep = node.keep
        self._is_mean = isinstance(node, EwmMean)

    def zero(self, count: int) -> Arrays:
        return tuple(np.zeros(count) for _ in range(6))

    def single(self, values: Array) -> Arrays:
        return np.ones(1), values, np.zeros(1), nothing(values), np.ones(1), np.ones(1)

    def add(self, partial: Arrays, values: Array) -> Arrays:
        count, mean, rest, squares, before, weights2 = partial
        before = before * self._keep
        weight = before + 1.0
        deviation = (values - mean) - rest
        grown = checked(squares * self._keep + deviation * deviation * before / weight, squares, values)
        value, unit_weight = (values, np.zeros(1)), np.ones(1)
        moved = _moved(before < unit_weight, value, (mean, rest), before / weight, unit_weight / weight)
        added = count + 1, *moved, grown, weight, weights2 * self._keep * self._keep + 1.0
        first = count == 0
        return choose(first, self.single(values), added) if first.any() else added

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        """Return the partial results after each value. Only the means need a step for each of them."""
        if not carry[0][0]:
            first = tuple(array[:1] for array in self.single(values[:1]))
            if len(values) == 1:
                return first
            after = self.accumulate(first, values[1:])
            return tuple(np.concatenate(pair) for pair in zip(first, after, strict=True))
        keep, size = self._keep, len(values)
        weights = _repeated(float(carry[4][0]), size, lambda weight: weight * keep + 1.0)
        before = weights[:-1] * keep
        means, rests = _means(carry, values, before, weights[1:])
        deviations = (values - means[:-1]) - rests[:-1]
        grown = (deviations * deviations * before / weights[1:]).tolist()
        faded = accumulate(grown, lambda squares, more: squares * keep + more, initial=float(carry[3][0]))
        squares = np.fromiter(faded, np.float64, size + 1)[1:]
        if not (all_finite(means) and all_finite(squares)):
            return super().accumulate(carry, values)
        weights2 = _repeated(float(carry[5][0]), size, lambda weight: weight * keep * keep + 1.0)
        return carry[0] + np.arange(1, size + 1), means[1:], rests[1:], squares, weights[1:], weights2[1:]

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        keep = self._faded(later[0])
        before = earlier[4] * keep
        weight = before + later[4]
        deviation = (later[1] - earlier[1]) + (later[2] - earlier[2])
        grown = earlier[3] * keep + later[3] + deviation * deviation * before * later[4] / weight
        finite = np.isfinite(grown)
        if not finite.all():
            grown = np.where(finite, grown, overflowed(earlier[3], later[3]))
        moved = _moved(before < later[4], later[1:3], earlier[1:3], before / weight, later[4] / weight)
        merged: Arrays = earlier[0] + later[0], *moved, grown, weight, earlier[5] * keep * keep + later[5]
        if self.skip_missing:
            merged = choose(earlier[0] == 0, later, choose(later[0] == 0, earlier, merged))
        return merged

    def result(self, partial: Arrays) -> Column:
        count, mean, _, squares, weight, weights2 = partial
        if not self._is_mean:
            freedom = weight * weight - weights2
            roots = np.where(freedom > 0, np.sqrt(squares * weight / freedom), 0.0)
            return Column(np.where(np.isnan(squares), squares, roots))
        single = count == 1
        if self.kind == np.float64 or not single.any():
            return without(Column(mean), count == 0)
        means = mean.astype(object)
        means[single] = [int(value) for value in mean[single].tolist()]
        return without(Column(means), count == 0)

    def plain(self, partial: Arrays) -> list[Any]:
        rows = zip(*(array.tolist() for array in partial), strict=True)
        is_int = self.kind != np.float64
        return [(int(count), int(mean) if is_int and count == 1 else mean, *rest) for count, mean, *rest in rows]

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        for count, mean, *_ in partials:
            wanted = int if self.kind != np.float64 and count == 1 else float
            if type(mean) is not wanted or (wanted is int and abs(mean) > LARGEST_INT):
                return None
        columns = np.array(partials, np.float64).reshape(-1, 6)
        return tuple(columns[:, index].copy() for index in range(6))

    def _faded(self, counts: Array) -> Array:
        """Return the remaining weight after each count of items. numpy's power may differ from Python's in a bit."""
        distinct, inverse = np.unique(counts, return_inverse=True)
        return np.array([self._keep ** int(count) for count in distinct.tolist()])[inverse]


def _repeated(value: float, size: int, step: Callable[[float], float]) -> Array:
    """Return a value and the results of `size` steps from each to the next, which reach a fixed point at some time."""
    values = [value]
    while len(values) <= size and (following := step(value)) != value:
        value = following
        values.append(value)
    return np.concatenate((np.array(values), np.full(size + 1 - len(values), value)))


def _means(carry: Arrays, values: Array, before: Array, weights: Array) -> tuple[Array, Array]:
    """Return the mean and its rounding error before the values and after each: `_moved` of `decay.py`, in one loop."""
    mean, rest = float(carry[1][0]), float(carry[2][0])
    is_light = before < 1.0
    shares = np.where(is_light, before, 1.0) / weights
    means, rests = [mean], [rest]
    for value, share, light in zip(values.tolist(), shares.tolist(), is_light.tolist(), strict=True):
        if light:
            change = ((mean - value) + rest) * share
            mean = value
        else:
            change = rest + ((value - mean) - rest) * share
        moved = mean + change
        back = moved - mean
        rest = (mean - (moved - back)) + (change - back)
        mean = moved
        means.append(mean)
        rests.append(rest)
    return np.array(means), np.array(rests)


def _moved(condition: Mask, first: Arrays, second: Arrays, to_second: Array, to_first: Array) -> tuple[Array, Array]:
    """Return the mean moved from `first` to `second` if the condition is true, else from `second` to `first`."""
    mean, rest = choose(condition, first, second)
    target, target_rest = choose(condition, second, first)
    share = np.where(condition, to_second, to_first)
    change = rest + ((target - mean) + (target_rest - rest)) * share
    moved = mean + change
    back = moved - mean
    error = (mean - (moved - back)) + (change - back)
    finite = np.isfinite(moved)
    if finite.all():
        return moved, error
    numbers = np.isfinite(mean) & np.isfinite(target)
    beyond = np.where(numbers, mean * (1.0 - share) + target * share, mean + target)
    return np.where(finite, moved, beyond), np.where(finite, error, 0.0)
