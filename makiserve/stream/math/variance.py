"""`math.variance`: the sample variance of the items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import moments


def variance(key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False) -> Transform:
    """The sample variance, n - 1 in the denominator (Welford 1962; Chan et al. 1983).

    ```
    --2----4-----6----|
      variance()
    --0.0--2.0---4.0--|
    ```

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.

    *Emits* the running variance for each item, or the final one once; 0.0 for fewer than two items.
    *State* four numbers a key. *Raises* `TypeError` for what is not a number.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([2, 4, 6]).pipe(rs.math.variance(reduce=True)).run()
    4.0
    """
    return operator(Variance(key_mapper, reduce))


@dataclass(frozen=True, eq=False)
class Variance(Fold):
    """The node of `variance`."""

    name: ClassVar[str] = "variance"

    def reduction(self) -> Reduction:
        return Reduction(moments.ZERO, moments.add, moments.merge, moments.sample_variance)
