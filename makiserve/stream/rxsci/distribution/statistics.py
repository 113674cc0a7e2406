"""The statistics of a distribution: minimum, maximum, mean, variance, standard deviation, quantile."""

from __future__ import annotations

from math import sqrt

import numpy as np

from makiserve.stream.arguments import share
from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.map import map
from makiserve.stream.rxsci.distribution.distribution import Distribution, centres, weighted_mean


def min() -> Transform:
    """Emit the smallest item of each distribution.

    ```
    --{1:1}--{1:1,2:1}--|
      min()
    --1------1----------|
    ```

    *Emits* one value for each `Distribution`; None for an empty one. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.min()).run()
    1
    """
    return map(_min)


def _min(dist: Distribution) -> float | None:
    return dist.min


def max() -> Transform:
    """Emit the largest item of each distribution.

    ```
    --{1:1}--{1:1,2:1}--|
      max()
    --1------2----------|
    ```

    *Emits* one value for each `Distribution`; None for an empty one. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.max()).run()
    6
    """
    return map(_max)


def _max(dist: Distribution) -> float | None:
    return dist.max


def mean() -> Transform:
    """Compute the mean of each distribution: the mean of its bins' values, weighted by their counts.

    ```
    --{1:1}--{1:1,2:1}--|
      mean()
    --1.0----1.5--------|
    ```

    *Emits* one value for each `Distribution`; None for an empty one. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.mean()).run()
    3.0
    """
    return map(mean_of)


def mean_of(dist: Distribution) -> float | None:
    """Return the mean; None without items."""
    return weighted_mean(dist.values, dist.counts) if dist.values else None


def variance() -> Transform:
    """Compute the population variance of each distribution. Items of one bin count as equal: it is a little too small.

    ```
    --{1:1}--{1:1,2:1}--|
      variance()
    --0.0----0.25-------|
    ```

    *Emits* one value for each `Distribution`; None for an empty one. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.variance()).run()
    4.666666666666667
    """
    return map(variance_of)


def variance_of(dist: Distribution) -> float | None:
    """Return the population variance; None without items."""
    centre = mean_of(dist)
    if centre is None:
        return None
    return sum(count * (value - centre) * (value - centre) for value, count in dist.bins) / dist.total


def stddev() -> Transform:
    """Compute the population standard deviation of each distribution: the root of `dist.variance`.

    ```
    --{1:1}--{1:1,2:1}--|
      stddev()
    --0.0----0.5--------|
    ```

    *Emits* one value for each `Distribution`; None for an empty one. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.stddev()).run()
    2.160246899469287
    """
    return map(stddev_of)


def stddev_of(dist: Distribution) -> float | None:
    """Return the population standard deviation; None without items."""
    variance = variance_of(dist)
    return None if variance is None else sqrt(variance)


def quantile(value: float) -> Transform:
    """Compute a quantile of each distribution, interpolated between the centres of its bins.

    ```
    --{1:1,2:2,6:1}--|
      quantile(0.5)
    --2.0------------|
    ```

    The rank, `value` times the number of items, is rounded down; for few items `math.quantile` is exact.

    Args:
        value: the share of the items below, from 0 (the smallest) to 1 (the largest).

    *Emits* one value for each `Distribution`; None for an empty one. *State* none.

    Raises:
        PipelineError: value is not between 0 and 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.quantile(0.5)).run()
    2.0
    """
    rank = share(value, "dist.quantile: value")
    return map(lambda dist: quantile_of(dist, rank))


def quantile_of(dist: Distribution, value: float) -> float | None:
    """Return the quantile; None without items."""
    return float(np.interp(int(dist.total * value), *centres(dist))) if dist.values else None
