"""Exponentially weighted moments: what `math.ewm_mean` and `math.ewm_stddev` keep.

An item that `n` others have followed weighs `keep ** n`, with `keep = 1 - alpha`. Adding follows West ("Updating Mean
and Variance Estimates: An Improved Method", CACM 22, 1979), with weights that fade; merging is Chan et al.'s (1983),
with the earlier part faded by the length of the later one. The results are those of pandas' `ewm(adjust=True)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Any

from makiserve.errors import PipelineError

Partial = tuple[int, float, float, float, float, float]
"""Count, pivot, mean relative to the pivot, weighted squares of deviations, sum of weights, sum of their squares."""

ZERO: Partial = (0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Decay:
    """What is left of a weight after each item."""

    keep: float

    def add(self, partial: Partial, value: Any) -> Partial:
        """The moments with one value more."""
        count, pivot, mean, squares, weight, weights2 = partial
        if not count:
            return 1, value, value - value, 0.0, 1.0, 1.0
        relative = value - pivot
        deviation = relative - mean
        weight = weight * self.keep + 1.0
        mean += deviation / weight
        squares = squares * self.keep + deviation * (relative - mean)
        return count + 1, pivot, mean, squares, weight, weights2 * self.keep * self.keep + 1.0

    def merge(self, earlier: Partial, later: Partial) -> Partial:
        """The moments of two consecutive parts."""
        if not earlier[0] or not later[0]:
            return later if later[0] else earlier
        keep = self.keep ** later[0]
        before, weight = earlier[4] * keep, earlier[4] * keep + later[4]
        deviation = (later[1] - earlier[1]) + (later[2] - earlier[2])
        mean = earlier[2] + deviation * later[4] / weight
        squares = earlier[3] * keep + later[3] + deviation * deviation * before * later[4] / weight
        return earlier[0] + later[0], earlier[1], mean, squares, weight, earlier[5] * keep * keep + later[5]


def decay_from(name: str, alpha: float | None, halflife: float | None) -> Decay:
    """The decay of one of two parameters.

    Raises:
        PipelineError: not exactly one is given, or it is out of its range.
    """
    if (alpha is None) == (halflife is None):
        raise PipelineError(f"{name}: give either alpha or halflife")
    if halflife is not None:
        if not halflife > 0:
            raise PipelineError(f"{name}: halflife is greater than 0, not {halflife}")
        return Decay(exp(-log(2) / halflife))
    if alpha is None or not 0 < alpha <= 1:
        raise PipelineError(f"{name}: alpha is greater than 0 and at most 1, not {alpha}")
    return Decay(1 - alpha)


def mean(partial: Partial) -> float | None:
    """The weighted mean; None for no value."""
    return partial[1] + partial[2] if partial[0] else None


def stddev(partial: Partial) -> float:
    """The weighted standard deviation, corrected for bias; 0.0 for fewer than two values that weigh anything."""
    _, _, _, squares, weight, weights2 = partial
    freedom = weight * weight - weights2
    return sqrt(squares * weight / freedom) if freedom > 0 else 0.0
