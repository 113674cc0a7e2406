"""Means, squares and products of two variables: what covariance, correlation and slope keep.

Adding and merging follow Schubert and Gertz ("Numerically Stable Parallel Computation of (Co-)Variance", SSDBM 2018),
relative to the first pair, the pivot, as in `moments`.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

Partial = tuple[int, float, float, float, float, float, float, float]
"""Count, pivot (x, y), means relative to it (x, y), squared deviations (x, y), products of deviations."""

ZERO: Partial = (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def add(partial: Partial, pair: Any) -> Partial:
    """The moments with one pair more."""
    x, y = pair
    count, pivot_x, pivot_y, mean_x, mean_y, squares_x, squares_y, products = partial
    if not count:
        return 1, x, y, x - x, y - y, 0.0, 0.0, 0.0
    x, y, count = x - pivot_x, y - pivot_y, count + 1
    from_x, from_y = x - mean_x, y - mean_y
    mean_x += from_x / count
    mean_y += from_y / count
    squares_x += from_x * (x - mean_x)
    squares_y += from_y * (y - mean_y)
    return count, pivot_x, pivot_y, mean_x, mean_y, squares_x, squares_y, products + from_x * (y - mean_y)


def merge(earlier: Partial, later: Partial) -> Partial:
    """The moments of two parts."""
    if not earlier[0] or not later[0]:
        return later if later[0] else earlier
    count, pivot_x, pivot_y, mean_x, mean_y, squares_x, squares_y, products = earlier
    share, total = later[0] / (count + later[0]), count + later[0]
    from_x = (later[1] - pivot_x) + (later[3] - mean_x)
    from_y = (later[2] - pivot_y) + (later[4] - mean_y)
    return (
        total,
        pivot_x,
        pivot_y,
        mean_x + from_x * share,
        mean_y + from_y * share,
        squares_x + later[5] + from_x * from_x * count * share,
        squares_y + later[6] + from_y * from_y * count * share,
        products + later[7] + from_x * from_y * count * share,
    )


def covariance(partial: Partial) -> float:
    """The covariance with n - 1 in the denominator; 0.0 for fewer than two pairs."""
    return partial[7] / (partial[0] - 1) if partial[0] > 1 else 0.0


def correlation(partial: Partial) -> float | None:
    """Pearson's coefficient; None where x or y has not varied."""
    scale = sqrt(partial[5]) * sqrt(partial[6])
    return max(-1.0, min(1.0, partial[7] / scale)) if scale else None


def slope(partial: Partial) -> float | None:
    """How much y changes with x in the line of least squares; None where x has not varied."""
    return partial[7] / partial[5] if partial[5] else None
