"""`math.max`: the largest item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import gt
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math.extreme import extreme

if TYPE_CHECKING:
    from typing_extensions import Unpack


def max(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Find the largest item.

    ```
    --3--5--2--|
      max()
    --3--5--5--|
    ```

    Args:
        key_mapper: the value to compare; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes; None for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the largest value so far for each item, or the largest once; of equal ones the first. *NaN* makes the result
    NaN, whatever its place. *State* one value a key. *Raises* `TypeError` for what cannot be compared, None included
    (RxSci keeps a None that comes first).

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 5, 2]).pipe(rs.math.max(reduce=True)).run()
    5
    """
    return operator(Max(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Max(Fold):
    """The node of `max`."""

    name: ClassVar[str] = "max"

    def reduction(self) -> Reduction:
        return extreme(gt)
