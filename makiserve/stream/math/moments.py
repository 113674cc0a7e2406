"""Count, mean and sum of squared deviations of a sample: what variance and standard deviation keep.

Adding follows Welford ("Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 4,
1962), merging follows Chan, Golub and LeVeque ("Algorithms for Computing the Sample Variance", The American
Statistician 37, 1983). Both keep their accuracy when the mean is large and the spread is small.
"""

from __future__ import annotations

from typing import Any

Partial = tuple[int, float, float]
ZERO: Partial = (0, 0.0, 0.0)


def add(partial: Partial, value: Any) -> Partial:
    """The moments with one value more."""
    count, mean, squares = partial
    count += 1
    deviation = value - mean
    mean += deviation / count
    return count, mean, squares + deviation * (value - mean)


def merge(earlier: Partial, later: Partial) -> Partial:
    """The moments of two parts."""
    if not later[0]:
        return earlier
    if not earlier[0]:
        return later
    count = earlier[0] + later[0]
    deviation = later[1] - earlier[1]
    mean = earlier[1] + deviation * later[0] / count
    return count, mean, earlier[2] + later[2] + deviation * deviation * earlier[0] * later[0] / count


def sample_variance(partial: Partial) -> float:
    """The variance with n - 1 in the denominator; 0.0 for fewer than two values."""
    return partial[2] / (partial[0] - 1) if partial[0] > 1 else 0.0
