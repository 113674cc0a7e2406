"""`math.formal`: the population variance and standard deviation, n in the denominator."""

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

__all__ = ["stddev", "variance"]


def variance(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the population variance, with n in the denominator (Welford 1962; Chan et al. 1983).

    ```
    --1----2-----3-------4------|
      variance()
    --0.0--0.25--0.6667--1.25---|
    ```

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running variance for each item (RxSci's is always 0.0), or the final one once; 0.0 for an empty stream.
    *NaN* and infinities make the result NaN. *State* four numbers a key (RxSci keeps all items). *Raises* `TypeError`
    for what is not a real number, None included, and `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3, 4]).pipe(rs.math.formal.variance(reduce=True)).run()
    1.25
    """
    return operator(FormalVariance(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class FormalVariance(Fold):
    """The node of `formal.variance`."""

    name: ClassVar[str] = "formal_variance"

    def reduction(self) -> Reduction:
        return Reduction(moments.ZERO, moments.add, moments.merge, moments.population_variance, real)


def stddev(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the population standard deviation, with n in the denominator (Welford 1962; Chan et al. 1983).

    ```
    --1----3----|
      stddev()
    --0.0--1.0--|
    ```

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running standard deviation for each item (RxSci's is always 0.0), or the final one once; 0.0 for an
    empty stream. *NaN* and infinities make the result NaN. *State* four numbers a key (RxSci keeps all items). *Raises*
    `TypeError` for what is not a real number, None included, and `OverflowError` for an integer that is too large for a
    float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 3]).pipe(rs.math.formal.stddev(reduce=True)).run()
    1.0
    """
    return operator(FormalStddev(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class FormalStddev(Fold):
    """The node of `formal.stddev`."""

    name: ClassVar[str] = "formal_stddev"

    def reduction(self) -> Reduction:
        return Reduction(moments.ZERO, moments.add, moments.merge, _root, real)


def _root(partial: moments.Partial) -> float:
    return sqrt(moments.population_variance(partial))
