"""`math.sum`: the sum of the items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import compensated


def sum(key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False) -> Transform:
    """Sums the items, with compensated rounding.

    ```
    --1--2--3--|
      sum()
    --1--3--6--|
    ```

    The error does not grow with the number of items (Neumaier 1974). Integers give an integer, exact at any size
    (RxSci's are floats, exact up to 2^53).

    Args:
        key_mapper: the number to sum; by default the item itself.
        reduce: emit only the final sum, when the stream or its window completes; 0 for an empty stream.

    *Emits* the running sum for each item, or the sum once. *State* two numbers a key. *Raises* `TypeError` for what
    cannot be added.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1e16, 1.0, -1e16]).pipe(rs.math.sum(reduce=True)).run()
    1.0
    """
    return operator(Sum(key_mapper, reduce))


@dataclass(frozen=True, eq=False)
class Sum(Fold):
    """The node of `sum`."""

    name: ClassVar[str] = "sum"

    def reduction(self) -> Reduction:
        return Reduction(compensated.ZERO, compensated.add, compensated.merge, compensated.result)
