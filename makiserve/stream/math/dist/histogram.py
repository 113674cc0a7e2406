"""`math.dist.histogram`: the histogram of a distribution."""

from __future__ import annotations

from itertools import pairwise


from makiserve.stream.arguments import whole_number
from makiserve.stream.reactive import compose
from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.dist.distribution import Distribution, count_below
from makiserve.stream.ops.filter import filter
from makiserve.stream.ops.map import map

Histogram = tuple[list[float], list[float]]


def histogram(bin_count: int = 100) -> Transform:
    """The histogram of each distribution, in numpy's format.

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
