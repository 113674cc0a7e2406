"""`math.dist.quantile`: a quantile of a distribution."""

from __future__ import annotations

import numpy as np

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution, centres
from makiserve.stream.ops.map import map


def quantile(value: float) -> Transform:
    """A quantile of each distribution, interpolated between the centres of its bins.

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
    if not 0 <= value <= 1:
        raise PipelineError(f"dist.quantile: value is between 0 and 1, not {value}")
    return map(lambda dist: quantile_of(dist, value))


def quantile_of(dist: Distribution, value: float) -> float | None:
    """The quantile; None for no item."""
    return float(np.interp(int(dist.total * value), *centres(dist))) if dist.values else None
