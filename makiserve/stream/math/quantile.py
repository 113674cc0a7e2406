"""`math.quantile`, `math.median`: quantiles, exact for few items and from a sketch for many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.arguments import share
from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import digest
from makiserve.stream.scalars import real

if TYPE_CHECKING:
    from typing_extensions import Unpack


def quantile(
    q: float, key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute a quantile: exact, with linear interpolation, up to 256 items, then from a t-digest (Dunning 2021).

    ```
    --1----2----3----4-----|
      quantile(0.75)
    --1.0--1.75-2.5--3.25--|
    ```

    Beyond 256 items the rank of the result differs from `q` by less than 0.25 % of the items, or by less than 2 % if it
    lies in a gap between their values or there are few distinct ones. That is measured: a t-digest has no proven
    bound. A larger `q` never gives a smaller result.

    Args:
        q: the share of the items below, from 0 (the smallest) to 1 (the largest).
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running quantile for each item, or the final one once; None for an empty stream. The running one is
    computed again for each item, at some 20 µs: reduce if you can. *State* at most 256 numbers and 9 KB a key. *NaN*
    has no rank: it raises `ValueError`; infinities are the first and last in the order. *Raises* `TypeError` for what
    is not a real number, None included, and `OverflowError` for an integer that is too large for a float.

    Raises:
        PipelineError: q is not between 0 and 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3, 4]).pipe(rs.math.quantile(0.75, reduce=True)).run()
    3.25
    """
    return operator(Quantile(key_mapper, reduce, share(q, "quantile: q"), **missing))


@dataclass(frozen=True, eq=False)
class Quantile(Fold):
    """The node of `quantile` and `median`."""

    name: ClassVar[str] = "quantile"
    q: float = 0.5

    def reduction(self) -> Reduction:
        return Reduction(digest.ZERO, digest.add, digest.merge, lambda partial: digest.quantile(partial, self.q), real)


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
