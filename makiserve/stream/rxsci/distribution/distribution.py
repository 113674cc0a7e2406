"""A distribution in a fixed number of bins: the state and output of the operators of `math.dist`.

The streaming histogram of Ben-Haim and Tom-Tov ("A Streaming Parallel Decision Tree Algorithm", JMLR 11, 2010): a bin
is a value and its count. If there are too many bins, the two closest become one, at their mean. RxSci's distributions
are those of the library distogram. This one has the same bins and attributes, so that distogram's reading functions
accept it.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import log
from operator import sub
from typing import Any, NamedTuple


class Distribution(NamedTuple):
    """The distribution of the items so far. It is immutable: adding returns a new one.

    Attributes:
        bin_count: the maximum number of bins.
        weighted_diff: whether bins with many items count as further apart.
        values: the bins' values, in order.
        counts: the bins' numbers of items.
        min: the smallest item; None without items.
        max: the largest item; None without items.
    """

    bin_count: int
    weighted_diff: bool
    values: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    min: float | None = None
    max: float | None = None

    @property
    def bins(self) -> tuple[tuple[float, int], ...]:
        """The value and count of each bin."""
        return tuple(zip(self.values, self.counts, strict=True))

    @property
    def total(self) -> int:
        """The number of items."""
        return sum(self.counts)


def finite(value: float) -> float:
    """Return a number that a distribution can contain.

    Raises:
        ValueError: it is NaN or infinite.
    """
    if value - value != 0:
        name = "NaN" if value != value else "an infinity"
        raise ValueError(f"a distribution cannot contain {name}: filter it, or fill it")
    return value


def add(dist: Distribution, value: Any, count: int = 1) -> Distribution:
    """Return the distribution with `value` added `count` times."""
    bin_count, weighted, values, counts, least, most = dist
    place = bisect_left(values, value)
    if place < len(values) and values[place] == value:
        counts = (*counts[:place], counts[place] + count, *counts[place + 1 :])
        return Distribution(bin_count, weighted, values, counts, least, most)
    values = (*values[:place], value, *values[place:])
    counts = (*counts[:place], count, *counts[place:])
    if len(values) > bin_count:
        values, counts = _joined(values, counts, weighted=weighted)
    least = value if least is None or value < least else least
    most = value if most is None or value > most else most
    return Distribution(bin_count, weighted, values, counts, least, most)


def merge(earlier: Distribution, later: Distribution) -> Distribution:
    """Return the distribution of the items of both, with the bin settings of the earlier one."""
    for value, count in zip(later.values, later.counts, strict=True):
        earlier = add(earlier, value, count)
    for end in (later.min, later.max):  # bins are means: the extremes are further out
        if end is not None and earlier.min is not None and earlier.max is not None:
            earlier = earlier._replace(min=min(earlier.min, end), max=max(earlier.max, end))
    return earlier


def weighted_mean(values: tuple[float, ...], counts: tuple[int, ...]) -> float:
    """Return the mean of bins, which is in range even if their sum is not."""
    total = sum(counts)
    mean = sum(value * count for value, count in zip(values, counts, strict=True)) / total
    if mean - mean == 0:
        return mean
    return sum(value * (count / total) for value, count in zip(values, counts, strict=True))


def count_below(dist: Distribution, value: float) -> float:
    """Estimate the number of items below a value; half of each bin lies on either side of its centre."""
    _, _, values, counts, least, most = dist
    if least is None or most is None or value <= least:
        return 0.0
    if value >= most:
        return dist.total
    if value <= values[0]:
        return (value - least) / (values[0] - least) * counts[0] / 2
    if value >= values[-1]:
        return dist.total - counts[-1] / 2 * (most - value) / (most - values[-1])
    right = bisect_left(values, value)
    share = (value - values[right - 1]) / (values[right] - values[right - 1])
    left, change = counts[right - 1], counts[right] - counts[right - 1]
    return sum(counts[: right - 1]) + left / 2 + share * (left + share * change / 2)


def centres(dist: Distribution) -> tuple[list[float], list[float]]:
    """Return ranks and values of the extremes and of the bins' centres, between which quantiles are interpolated."""
    ranks = [below - count / 2 for below, count in zip(accumulate(dist.counts), dist.counts, strict=True)]
    return [0.0, *ranks, float(dist.total)], [dist.min or 0.0, *dist.values, dist.max or 0.0]


def _joined(
    values: tuple[float, ...], counts: tuple[int, ...], *, weighted: bool
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return the bins with the two closest joined into one, at their mean."""
    gaps = list(map(sub, values[1:], values))
    if weighted:
        gaps = [gap * log(1e-5 + min(counts[i], counts[i + 1])) for i, gap in enumerate(gaps)]
    left = gaps.index(min(gaps))
    count = counts[left] + counts[left + 1]
    mean = weighted_mean(values[left : left + 2], counts[left : left + 2])
    return (
        (*values[:left], mean, *values[left + 2 :]),
        (*counts[:left], count, *counts[left + 2 :]),
    )
