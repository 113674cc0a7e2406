"""`math.variance`, `math.stddev`: the sample variance and standard deviation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import moments
from makiserve.stream.scalars import real

if TYPE_CHECKING:
    from typing_extensions import Unpack


def variance(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the sample variance, with n - 1 in the denominator (Welford 1962; Chan et al. 1983).

    ```
    --2----4-----6----|
      variance()
    --0.0--2.0---4.0--|
    ```

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running variance for each item, or the final one once; 0.0 for fewer than two items. *NaN* and
    infinities make the result NaN. *State* four numbers a key. *Raises* `TypeError` for what is not a real number, None
    included, and `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([2, 4, 6]).pipe(rs.math.variance(reduce=True)).run()
    4.0
    """
    return operator(Variance(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Variance(Fold):
    """The node of `variance`."""

    name: ClassVar[str] = "variance"

    def reduction(self) -> Reduction:
        return Reduction(moments.ZERO, moments.add, moments.merge, moments.sample_variance, real)


def stddev(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the sample standard deviation, with n - 1 in the denominator (Welford 1962; Chan et al. 1983).

    ```
    --2----4-----6----|
      stddev()
    --0.0--1.41--2.0--|
    ```

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running standard deviation for each item, or the final one once; 0.0 for fewer than two items. *NaN* and
    infinities make the result NaN. *State* four numbers a key. *Raises* `TypeError` for what is not a real number, None
    included, and `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([2, 4, 6]).pipe(rs.math.stddev(reduce=True)).run()
    2.0
    """
    return operator(Stddev(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Stddev(Fold):
    """The node of `stddev`."""

    name: ClassVar[str] = "stddev"

    def reduction(self) -> Reduction:
        return Reduction(moments.ZERO, moments.add, moments.merge, _root, real)


def _root(partial: moments.Partial) -> float:
    return sqrt(moments.sample_variance(partial))
