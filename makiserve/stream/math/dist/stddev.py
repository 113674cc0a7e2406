"""`math.dist.stddev`: the standard deviation of a distribution."""

from __future__ import annotations

from math import sqrt

from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution
from makiserve.stream.math.dist.variance import variance_of
from makiserve.stream.ops.map import map


def stddev() -> Transform:
    """The population standard deviation of each distribution: the root of `dist.variance`.

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
    """The population standard deviation; None for no item."""
    variance = variance_of(dist)
    return None if variance is None else sqrt(variance)
