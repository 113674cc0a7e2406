"""`dist.update`, `dist.merge`, `dist.describe`: build distributions and summarise them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from makiserve.errors import PipelineError
from makiserve.stream.arguments import elements, share, whole_number
from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math.dist.distribution import Distribution, add, finite, merge
from makiserve.stream.scalars import real
from collections import namedtuple
from collections.abc import Sequence
from typing import Any
from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution
from makiserve.stream.math.dist.statistics import mean_of
from makiserve.stream.math.dist.statistics import quantile_of
from makiserve.stream.math.dist.statistics import stddev_of
from makiserve.stream.ops.map import map


def update(
    bin_count: int = 100, weighted_diff: bool = False, reduce: bool = False, *, skip_missing: bool = False
) -> Transform:
    """Add each item to a distribution of a fixed number of bins (Ben-Haim and Tom-Tov 2010).

    ```
    --1-----2-----2-------|
      update()
    --{1:1}-{1:1,-{1:1,---|
             2:1}  2:2}
    ```

    Args:
        bin_count: the number of bins, at least 1; up to that many distinct values it is exact.
        weighted_diff: count bins with many items as further apart, for distributions with outliers.
        reduce: emit only the final distribution, when the stream or its window completes.
        skip_missing: leave out None and NaN; the running distribution is then emitted unchanged.

    *Emits* a `Distribution` for each item, or one; an empty one for an empty stream. Each is a separate value (RxSci
    emits the same object, which later items change). *NaN* and infinities have no bin. *State* two numbers a bin a key.
    *Raises* `ValueError` for NaN and infinities, `TypeError` for what is not a real number, None included.

    Raises:
        PipelineError: bin_count is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 2]).pipe(rs.math.dist.update(reduce=True)).run().bins
    ((1, 1), (2, 2))
    """
    bin_count = whole_number(bin_count, "dist.update: bin_count")
    return operator(Update(None, reduce, bin_count, weighted_diff, finite, skip_missing=skip_missing))


@dataclass(frozen=True, eq=False)
class Update(Fold):
    """The node of `dist.update`. The function `check` gives checkpoints the type of its state."""

    name: ClassVar[str] = "dist_update"
    bin_count: int = 100
    weighted_diff: bool = False
    check: Callable[[float], float] = finite

    def reduction(self) -> Reduction:
        return Reduction(Distribution(self.bin_count, self.weighted_diff), self._add, merge, read=real)

    def _add(self, dist: Distribution, value: float) -> Distribution:
        return add(dist, self.check(value))


_named: Any = namedtuple  # noqa: PYI024  the fields depend on the parameters


def describe(quantiles: Sequence[float] = (0.25, 0.5, 0.75)) -> Transform:
    """Compute the minimum, maximum, mean, standard deviation and quantiles of each distribution.

    ```
    --{1:1,2:2,6:1}--|
      describe()
    --(1,6,2.75,…)---|
    ```

    Args:
        quantiles: the quantiles to compute, each between 0 and 1.

    *Emits* a named tuple `(min, max, mean, stddev, p25, p50, p75)` for each `Distribution`, its last fields named for
    the quantiles in percent: 0.999 is `p99_9`. *State* none.

    Raises:
        PipelineError: a quantile is not between 0 and 1, or occurs twice.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 2, 6]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.describe([0.5])).run()
    Description(min=1, max=6, mean=2.75, stddev=1.920286436967152, p50=2.0)
    """
    quantiles = [share(q, "dist.describe: a quantile") for q in elements(quantiles, "dist.describe: quantiles")]
    names = [f"p{q * 100:.10g}".replace(".", "_") for q in quantiles]
    if len(set(names)) < len(names):
        raise PipelineError(f"dist.describe: quantiles must be different numbers, not {quantiles}")
    description = _named("Description", ["min", "max", "mean", "stddev", *names])

    def described(dist: Distribution) -> Any:
        values = [quantile_of(dist, q) for q in quantiles]
        return description(dist.min, dist.max, mean_of(dist), stddev_of(dist), *values)

    described.types = (description,)  # type: ignore[attr-defined]  # what a checkpoint may hold
    return map(described)
