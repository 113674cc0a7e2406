"""`math.dist.min`: the smallest item of a distribution."""

from __future__ import annotations

from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution
from makiserve.stream.ops.map import map


def min() -> Transform:
    """The smallest item of each distribution.

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
