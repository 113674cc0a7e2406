"""A histogram that is being filled."""

from __future__ import annotations

from bisect import bisect_left

from makiserve.web.histogram import Histogram


class Observed:
    """Counts values by upper bound.

    Args:
        bounds: ascending.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def frozen(self) -> Histogram:
        """What has been counted."""
        return Histogram(self._bounds, tuple(self._counts), self._total)
