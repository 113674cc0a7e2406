"""`math.dist`: the distribution of a stream in a bounded number of bins."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.arguments import elements, share, whole_number
from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.filter import filter
from makiserve.stream.ops.map import map
from makiserve.stream.reactive import compose
from makiserve.stream.rxsci.distribution import distribution
from makiserve.stream.rxsci.distribution.distribution import Distribution, add, count_below, finite
from makiserve.stream.rxsci.distribution.statistics import mean_of, quantile_of, stddev_of
from makiserve.stream.scalars import real


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
        return Reduction(Distribution(self.bin_count, self.weighted_diff), self._add, distribution.merge, read=real)

    def _add(self, dist: Distribution, value: float) -> Distribution:
        return add(dist, self.check(value))


_named: Any = namedtuple


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


Histogram = tuple[list[float], list[float]]


def histogram(bin_count: int = 100) -> Transform:
    """Emit the histogram of each distribution, in numpy's format.

    ```
    --{1:1}--{1:1,3:1}------------|
      histogram(2)
    ---------([1.0,1.0],[1,2,3])--|
    ```

    Args:
        bin_count: the number of bars, of equal width, from the smallest item to the largest; at least 1.

    *Emits* `(counts, edges)`, with one edge more than counts, for each `Distribution`; nothing while it has fewer bins
    than that. (The first bar is right; in distogram, which RxSci uses, it takes the bin's value for its count.)
    *State* none.

    Raises:
        PipelineError: bin_count is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 3]).pipe(rs.math.dist.update(reduce=True), rs.math.dist.histogram(2)).run()
    ([1.0, 1.0], [1.0, 2.0, 3])
    """
    bin_count = whole_number(bin_count, "dist.histogram: bin_count")
    bars: Transform = compose(
        map(lambda dist: _histogram(dist, bin_count)),
        filter(lambda bars: bars is not None),
    )
    return bars


def _histogram(dist: Distribution, bin_count: int) -> Histogram | None:
    if len(dist.values) < bin_count or dist.min is None or dist.max is None:
        return None
    width = (dist.max - dist.min) / bin_count
    edges = [*(dist.min + width * index for index in range(bin_count)), dist.max]
    below = [count_below(dist, edge) for edge in edges]
    return [high - low for low, high in pairwise(below)], edges


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
