"""`math.distinct_count`: the number of distinct items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import distinct

if TYPE_CHECKING:
    from typing_extensions import Unpack


def distinct_count(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Count the distinct items: exact up to 256, then from a HyperLogLog sketch (Flajolet et al. 2007).

    ```
    --a--b--a--c--|
      distinct_count()
    --1--2--2--3--|
    ```

    Beyond 256 the standard error is 1.6 %. Equal numbers are one value, whatever their types.

    Args:
        key_mapper: the value to count: a number, text, bytes, a time, a tuple or Record of such; by default the item.
        reduce: emit only the final count, when the stream or its window completes; 0 for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running count for each item, or the count once. *NaN* is one value, and None is one. *State* at most 256
    integers and 4 KB a key. *Raises* `TypeError` for a value of another kind.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_("abac").pipe(rs.math.distinct_count(reduce=True)).run()
    3
    """
    return operator(DistinctCount(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class DistinctCount(Fold):
    """The node of `distinct_count`."""

    name: ClassVar[str] = "distinct_count"

    def reduction(self) -> Reduction:
        return Reduction(distinct.ZERO, distinct.add, distinct.merge, distinct.count)
