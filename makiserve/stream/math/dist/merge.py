"""`math.dist.merge`: several distributions as one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist import distribution
from makiserve.stream.math.dist.distribution import Distribution
from makiserve.stream.ops.map import map


def merge() -> Transform:
    """Merge the distributions of each item, a collection such as `tee_map` emits.

    ```
    --({1:1},{2:1})--|
      merge()
    --{1:1,2:1}------|
    ```

    *Emits* one `Distribution` for each collection, with the bins of its first (RxSci's fails on every item). *State*
    none. *Raises* `TypeError` for an empty collection.

    >>> import rx, makiserve.stream as rs
    >>> halves = rs.ops.tee_map(
    ...     [rs.ops.filter(lambda i: i < 3), rs.math.dist.update(reduce=True)],
    ...     [rs.ops.filter(lambda i: i >= 3), rs.math.dist.update(reduce=True)],
    ... )
    >>> rx.from_([1, 2, 3, 2]).pipe(halves, rs.math.dist.merge()).run().bins
    ((1, 1), (2, 2), (3, 1))
    """
    return map(_merged)


def _merged(dists: Iterable[Distribution]) -> Distribution:
    return reduce(distribution.merge, dists)
