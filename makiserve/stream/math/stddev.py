"""`math.stddev`: the sample standard deviation of the items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import moments


def stddev(key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False) -> Transform:
    """The sample standard deviation, n - 1 in the denominator (Welford 1962; Chan et al. 1983).

    ```
    --2----4-----6----|
      stddev()
    --0.0--1.41--2.0--|
    ```

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.

    *Emits* the running standard deviation for each item, or the final one once; 0.0 for fewer than two items.
    *State* four numbers a key. *Raises* `TypeError` for what is not a number.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([2, 4, 6]).pipe(rs.math.stddev(reduce=True)).run()
    2.0
    """
    return operator(Stddev(key_mapper, reduce))


@dataclass(frozen=True, eq=False)
class Stddev(Fold):
    """The node of `stddev`."""

    name: ClassVar[str] = "stddev"

    def reduction(self) -> Reduction:
        return Reduction(moments.ZERO, moments.add, moments.merge, _root)


def _root(partial: moments.Partial) -> float:
    return sqrt(moments.sample_variance(partial))
