"""Means, squares and products of two variables: the state of covariance, correlation and slope.

Adding and merging follow Schubert and Gertz ("Numerically Stable Parallel Computation of (Co-)Variance", SSDBM 2018),
relative to the first pair, the pivot, as in `moments`, which also has the rule for NaN, infinities and overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, nan, sqrt

from makiserve.stream.engine.fold import Reduction
from makiserve.stream.math.moments import nothing, overflowed
from makiserve.stream.scalars import is_incomplete, pair

Partial = tuple[int, float, float, float, float, float, float, float]
"""Count, pivot (x, y), means relative to it (x, y), squared deviations (x, y), products of deviations."""

ZERO: Partial = (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def add(partial: Partial, values: tuple[float, float]) -> Partial:
    """Return the moments with one more pair."""
    x, y = values
    count, pivot_x, pivot_y, mean_x, mean_y, squares_x, squares_y, products = partial
    none_x, none_y = nothing(x), nothing(y)
    if not count:
        return 1, x, y, 0.0, 0.0, none_x, none_y, 0.0
    x, y, count = x - pivot_x, y - pivot_y, count + 1
    from_x, from_y = x - mean_x, y - mean_y
    mean_x += from_x / count
    mean_y += from_y / count
    more_x = squares_x + from_x * (x - mean_x)
    more_y = squares_y + from_y * (y - mean_y)
    return (
        count,
        pivot_x,
        pivot_y,
        mean_x,
        mean_y,
        more_x if more_x - more_x == 0 else overflowed(squares_x, none_x),
        more_y if more_y - more_y == 0 else overflowed(squares_y, none_y),
        products + from_x * (y - mean_y),
    )


def merge(earlier: Partial, later: Partial) -> Partial:
    """Return the moments of two parts."""
    if not earlier[0] or not later[0]:
        return later if later[0] else earlier
    count, pivot_x, pivot_y, mean_x, mean_y, squares_x, squares_y, products = earlier
    share, total = later[0] / (count + later[0]), count + later[0]
    from_x = (later[1] - pivot_x) + (later[3] - mean_x)
    from_y = (later[2] - pivot_y) + (later[4] - mean_y)
    more_x = squares_x + later[5] + from_x * from_x * count * share
    more_y = squares_y + later[6] + from_y * from_y * count * share
    return (
        total,
        pivot_x,
        pivot_y,
        mean_x + from_x * share,
        mean_y + from_y * share,
        more_x if more_x - more_x == 0 else overflowed(squares_x, later[5]),
        more_y if more_y - more_y == 0 else overflowed(squares_y, later[6]),
        products + later[7] + from_x * from_y * count * share,
    )


def covariance(partial: Partial) -> float:
    """Return the covariance with n - 1 in the denominator; 0.0 for fewer than two pairs, but NaN for NaN."""
    if not _is_finite(partial):
        return nan
    return partial[7] / (partial[0] - 1) if partial[0] > 1 else 0.0


def correlation(partial: Partial) -> float | None:
    """Return Pearson's coefficient; None if x or y has not varied, NaN for NaN or if the squares overflow."""
    if not _is_finite(partial):
        return nan
    if not partial[5] or not partial[6]:
        return None
    coefficient = partial[7] / (sqrt(partial[5]) * sqrt(partial[6]))
    return copysign(1.0, coefficient) if abs(coefficient) > 1 else coefficient


def slope(partial: Partial) -> float | None:
    """Return the slope of the least-squares line of y over x; None if x has not varied, NaN for NaN."""
    if not _is_finite(partial):
        return nan
    return partial[7] / partial[5] if partial[5] else None


def reduction(result: Callable[[Partial], float | None]) -> Reduction:
    """Return the reduction of pairs to one of the results above."""
    return Reduction(ZERO, add, merge, result, read=pair, is_missing=is_incomplete)


def _is_finite(partial: Partial) -> bool:
    return partial[5] == partial[5] and partial[6] == partial[6]
