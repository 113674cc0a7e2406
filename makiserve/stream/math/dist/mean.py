"""`math.dist.mean`: the mean of a distribution."""

from __future__ import annotations

from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution, weighted_mean
from makiserve.stream.ops.map import map


def mean() -> Transform:
    """The mean of each distribution: of its bins' values, each as often as it came.

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
    """Return the mean; None for no item."""
    return weighted_mean(dist.values, dist.counts) if dist.values else None
