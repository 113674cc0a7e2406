"""Count, mean and sum of squared deviations of a sample: the state of variance and standard deviation.

Adding follows Welford ("Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 4,
1962), merging follows Chan, Golub and LeVeque ("Algorithms for Computing the Sample Variance", The American
Statistician 37, 1983). Values are taken relative to the first one, the pivot, whose difference to values nearby is
exact: a spread of 1e-9 of the mean keeps all but the last digits, where Welford alone keeps seven.

The squares are NaN once a value is NaN or infinite, and infinite once the deviations of finite values overflow: both
for any order of the values and any slices of a window.
"""

from __future__ import annotations

from math import inf

Partial = tuple[int, float, float, float]
"""Count, pivot, mean relative to the pivot, sum of squared deviations from the mean."""

ZERO: Partial = (0, 0.0, 0.0, 0.0)


def add(partial: Partial, value: float) -> Partial:
    """Return the moments with one more value."""
    count, pivot, mean, squares = partial
    if not count:
        return 1, value, 0.0, nothing(value)
    relative = value - pivot
    deviation = relative - mean
    count += 1
    mean += deviation / count
    grown = squares + deviation * (relative - mean)
    return count, pivot, mean, grown if grown - grown == 0 else overflowed(squares, nothing(value))


def merge(earlier: Partial, later: Partial) -> Partial:
    """Return the moments of two parts."""
    if not later[0]:
        return earlier
    if not earlier[0]:
        return later
    count = earlier[0] + later[0]
    deviation = (later[1] - earlier[1]) + (later[2] - earlier[2])
    mean = earlier[2] + deviation * later[0] / count
    squares = earlier[3] + later[3] + deviation * deviation * earlier[0] * later[0] / count
    return count, earlier[1], mean, squares if squares - squares == 0 else overflowed(earlier[3], later[3])


def nothing(value: float) -> float:
    """Return the squares of a single value: 0.0, or NaN if it is NaN or infinite."""
    return value - value + 0.0


def overflowed(*squares: float) -> float:
    """Return squares that are not finite: infinite if all of their inputs were numbers, otherwise NaN."""
    return inf if all(part == part for part in squares) else sum(squares)


def sample_variance(partial: Partial) -> float:
    """Return the variance with n - 1 in the denominator; 0.0 for fewer than two values, but NaN for NaN."""
    return partial[3] / (partial[0] - 1) if partial[0] > 1 else partial[3]


def population_variance(partial: Partial) -> float:
    """Return the variance with n in the denominator; 0.0 without values."""
    return partial[3] / partial[0] if partial[0] else 0.0
