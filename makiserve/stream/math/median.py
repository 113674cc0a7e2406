"""`math.median`: the value in the middle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from makiserve.stream.engine.fold import MissingValues
from makiserve.stream.engine.trace import Transform
from makiserve.stream.math.quantile import quantile

if TYPE_CHECKING:
    from typing_extensions import Unpack


def median(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the median: exact up to 256 items, then from a t-digest (Dunning 2021). It is `quantile(0.5)`.

    ```
    --1----9----2----|
      median()
    --1.0--5.0--2.0--|
    ```

    Beyond 256 items its rank is approximate, as that of `quantile`.

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running median for each item, or the final one once; None for an empty stream. *State* at most 256
    numbers and 9 KB a key. *NaN* has no rank: it raises `ValueError`; infinities are the first and last in the order.
    *Raises* `TypeError` for what is not a real number, None included, and `OverflowError` for an integer that is too
    large for a float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 9, 2]).pipe(rs.math.median(reduce=True)).run()
    2.0
    """
    return quantile(0.5, key_mapper, reduce, **missing)
