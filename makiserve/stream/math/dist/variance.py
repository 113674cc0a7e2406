"""`math.dist.variance`: the variance of a distribution."""

from __future__ import annotations

from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution
from makiserve.stream.math.dist.mean import mean_of
from makiserve.stream.ops.map import map


def variance() -> Transform:
    """The population variance of each distribution. Items of one bin count as equal, so that it is a little too small.

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
    """Return the population variance; None for no item."""
    centre = mean_of(dist)
    if centre is None:
        return None
    return sum(count * (value - centre) * (value - centre) for value, count in dist.bins) / dist.total
