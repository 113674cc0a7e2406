"""Count, mean and sum of squared deviations of a sample: what variance and standard deviation keep.

Adding follows Welford ("Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 4,
1962), merging follows Chan, Golub and LeVeque ("Algorithms for Computing the Sample Variance", The American
Statistician 37, 1983). Values are taken relative to the first one, the pivot, whose difference to values nearby is
exact: a spread of 1e-9 of the mean keeps all but the last digits, where Welford alone keeps seven.
"""

from __future__ import annotations

from typing import Any

Partial = tuple[int, float, float, float]
"""Count, pivot, mean relative to the pivot, sum of squared deviations from the mean."""

ZERO: Partial = (0, 0.0, 0.0, 0.0)


def add(partial: Partial, value: Any) -> Partial:
    """The moments with one value more."""
    count, pivot, mean, squares = partial
    if not count:
        return 1, value, value - value, 0.0
    relative = value - pivot
    deviation = relative - mean
    count += 1
    mean += deviation / count
    return count, pivot, mean, squares + deviation * (relative - mean)


def merge(earlier: Partial, later: Partial) -> Partial:
    """The moments of two parts."""
    if not later[0]:
        return earlier
    if not earlier[0]:
        return later
    count = earlier[0] + later[0]
    deviation = (later[1] - earlier[1]) + (later[2] - earlier[2])
    mean = earlier[2] + deviation * later[0] / count
    squares = earlier[3] + later[3] + deviation * deviation * earlier[0] * later[0] / count
    return count, earlier[1], mean, squares


def sample_variance(partial: Partial) -> float:
    """The variance with n - 1 in the denominator; 0.0 for fewer than two values."""
    return partial[3] / (partial[0] - 1) if partial[0] > 1 else 0.0


def population_variance(partial: Partial) -> float:
    """The variance with n in the denominator; 0.0 for no value."""
    return partial[3] / partial[0] if partial[0] else 0.0
