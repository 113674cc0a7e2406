"""`math.dist.describe`: a distribution in a few numbers."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution
from makiserve.stream.math.dist.mean import mean_of
from makiserve.stream.math.dist.quantile import quantile_of
from makiserve.stream.math.dist.stddev import stddev_of
from makiserve.stream.ops.map import map

_named: Any = namedtuple  # noqa: PYI024  the fields follow from the parameters


def describe(quantiles: Sequence[float] = (0.25, 0.5, 0.75)) -> Transform:
    """Minimum, maximum, mean, standard deviation and quantiles of each distribution.

    ```
    --{1:1,2:2,6:1}--|
      describe()
    --(1,6,2.75,…)---|
    ```

    Args:
        quantiles: which quantiles, each between 0 and 1.

    *Emits* a named tuple `(min, max, mean, stddev, p25, p50, p75)` for each `Distribution`, its last fields named for
    the quantiles in percent: 0.999 is `p99_9`. *State* none.

    Raises:
        PipelineError: a quantile is not between 0 and 1, or stands there twice.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.describe([0.5])).run()
    Description(min=1, max=6, mean=2.75, stddev=1.920286436967152, p50=2.0)
    """
    names = [f"p{q * 100:.10g}".replace(".", "_") for q in quantiles]
    if len(set(names)) < len(names) or not all(0 <= q <= 1 for q in quantiles):
        raise PipelineError(f"dist.describe: quantiles are different numbers between 0 and 1, not {list(quantiles)}")
    description = _named("Description", ["min", "max", "mean", "stddev", *names])

    def described(dist: Distribution) -> Any:
        values = [quantile_of(dist, q) for q in quantiles]
        return description(dist.min, dist.max, mean_of(dist), stddev_of(dist), *values)

    described.types = (description,)  # type: ignore[attr-defined]  # what a checkpoint may hold
    return map(described)
