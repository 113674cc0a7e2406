"""`math.min`: the smallest item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import lt
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math.extreme import extreme

if TYPE_CHECKING:
    from typing_extensions import Unpack


def min(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Find the smallest item.

    ```
    --3--5--2--|
      min()
    --3--3--2--|
    ```

    Args:
        key_mapper: the value to compare; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes; None for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the smallest value so far for each item, or the smallest once; of equal ones the first. *NaN* makes the
    result NaN, whatever its place. *State* one value a key. *Raises* `TypeError` for what cannot be compared, None
    included (RxSci keeps a None that comes first).

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 5, 2]).pipe(rs.math.min(reduce=True)).run()
    2
    """
    return operator(Min(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Min(Fold):
    """The node of `min`."""

    name: ClassVar[str] = "min"

    def reduction(self) -> Reduction:
        return extreme(lt)
