"""Histograms: counts of observations by upper bound, as Prometheus keeps them."""

from __future__ import annotations

import msgspec

LATENCY_S = (
    *(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
STAGE_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_RECORDS = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0)


class Histogram(msgspec.Struct, frozen=True):
    """How often a value was at most each bound.

    Attributes:
        bounds: ascending.
        counts: of the values in each bucket, one more than there are bounds: the last is of those beyond.
        total: the sum of the values.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float = 0.0

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def __add__(self, other: Histogram) -> Histogram:
        """The histogram of both."""
        counts = tuple(one + two for one, two in zip(self.counts, other.counts, strict=True))
        return Histogram(self.bounds, counts, self.total + other.total)

    def since(self, earlier: Histogram) -> Histogram:
        """The histogram of what came after an earlier state of the same one."""
        counts = tuple(max(0, now - then) for now, then in zip(self.counts, earlier.counts, strict=True))
        return Histogram(self.bounds, counts, self.total - earlier.total)

    def quantile(self, part: float) -> float | None:
        """The value that `part` of the observations do not exceed, interpolated in its bucket; None without any.

        Beyond the last bound it is the last bound.
        """
        rank, below, lower = part * self.count, 0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and below + count >= rank:
                return lower + (bound - lower) * (rank - below) / count
            below, lower = below + count, bound
        return self.bounds[-1] if self.count else None


def empty(bounds: tuple[float, ...]) -> Histogram:
    """A histogram of nothing."""
    return Histogram(bounds, (0,) * (len(bounds) + 1))
