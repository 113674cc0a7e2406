"""Histograms: counts of observations by upper bound, as Prometheus keeps them."""

from __future__ import annotations

from bisect import bisect_left

import msgspec

LATENCY_S = (
    *(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
STAGE_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_RECORDS = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0)


class Histogram(msgspec.Struct):
    """Counts of values by bucket.

    Attributes:
        bounds: the upper bounds, ascending.
        counts: the number of values in each bucket. The last one, which has no bound, is for larger values.
        total: the sum of the values.
    """

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(self.counts)

    def __add__(self, other: Histogram) -> Histogram:
        """Return the histogram of the values of both."""
        counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        return Histogram(self.bounds, counts, self.total + other.total)

    def since(self, earlier: Histogram) -> Histogram:
        """Return the histogram of the values since an earlier state of this histogram."""
        counts = [max(0, now - then) for now, then in zip(self.counts, earlier.counts, strict=True)]
        return Histogram(self.bounds, counts, self.total - earlier.total)

    def quantile(self, part: float) -> float | None:
        """Return the value that a share `part` of the values do not exceed; None without values.

        It is interpolated within its bucket, and is the last bound if it lies beyond that.
        """
        rank, below, lower = part * self.count, 0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and below + count >= rank:
                return lower + (bound - lower) * (rank - below) / count
            below, lower = below + count, bound
        return self.bounds[-1] if self.count else None


def empty(bounds: tuple[float, ...]) -> Histogram:
    """Return a histogram without values."""
    return Histogram(bounds, [0] * (len(bounds) + 1))
