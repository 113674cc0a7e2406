"""`math.dist.update`: the distribution of the items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math.dist.distribution import Distribution, add, finite, merge
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
        weighted_diff: let bins that hold many items count as further apart: for distributions with outliers.
        reduce: emit only the final distribution, when the stream or its window completes.
        skip_missing: leave out None and NaN; the running distribution is then emitted unchanged.

    *Emits* a `Distribution` for each item, or one; an empty one for an empty stream. Each is a value of its own (RxSci
    emits the same object, which later items change). *NaN* and infinities have no bin. *State* two numbers a bin a key.
    *Raises* `ValueError` for NaN and infinities, `TypeError` for what is not a real number, None included.

    Raises:
        PipelineError: bin_count is less than 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 2]).pipe(rs.math.dist.update(reduce=True)).run().bins
    ((1, 1), (2, 2))
    """
    if bin_count < 1:
        raise PipelineError(f"dist.update: bin_count is at least 1, not {bin_count}")
    return operator(Update(None, reduce, bin_count, weighted_diff, finite, skip_missing=skip_missing))


@dataclass(frozen=True, eq=False)
class Update(Fold):
    """The node of `dist.update`. Through the function `check` checkpoints know the type of what it keeps."""

    name: ClassVar[str] = "dist_update"
    bin_count: int = 100
    weighted_diff: bool = False
    check: Callable[[float], float] = finite

    def reduction(self) -> Reduction:
        return Reduction(Distribution(self.bin_count, self.weighted_diff), self._add, merge, read=real)

    def _add(self, dist: Distribution, value: float) -> Distribution:
        return add(dist, self.check(value))
