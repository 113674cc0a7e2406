"""`math.sum`: the sum of the items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import compensated
from makiserve.stream.scalars import number

if TYPE_CHECKING:
    from typing_extensions import Unpack


def sum(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Sum the items, with compensated rounding.

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
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running sum for each item, or the sum once. *NaN* makes the sum NaN, an infinity makes it infinite,
    infinities of both signs make it NaN. *State* two numbers a key. *Raises* `TypeError` for what is not a real number,
    None included.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1e16, 1.0, -1e16]).pipe(rs.math.sum(reduce=True)).run()
    1.0
    """
    return operator(Sum(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Sum(Fold):
    """The node of `sum`."""

    name: ClassVar[str] = "sum"

    def reduction(self) -> Reduction:
        return Reduction(compensated.ZERO, compensated.add, compensated.merge, compensated.result, number)
