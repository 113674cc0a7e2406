"""`math.dist.max`: the largest item of a distribution."""

from __future__ import annotations

from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution
from makiserve.stream.ops.map import map


def max() -> Transform:
    """The largest item of each distribution.

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
