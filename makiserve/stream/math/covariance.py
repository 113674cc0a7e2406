"""`math.covariance`, `math.correlation`, `math.slope`: how two numbers of an item vary together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import comoments

if TYPE_CHECKING:
    from typing_extensions import Unpack


def covariance(
    key_mapper: Callable[[Any], tuple[Any, Any]] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the sample covariance of pairs, with n - 1 in the denominator (Schubert and Gertz 2018).

    ```
    --(1,2)--(2,4)--(3,9)--|
      covariance()
    --0.0----1.0----3.5----|
    ```

    Args:
        key_mapper: the pair (x, y) of an item; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out pairs with None or NaN.
        min_periods: how many pairs the result needs; it is None for fewer.

    *Emits* the running value for each item, or the final one once; 0.0 for fewer than two pairs. *NaN* and infinities,
    of x or y, make the result NaN. *State* eight numbers a key. *Raises* `TypeError` or `ValueError` for what is not a
    pair of real numbers, and `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([(1, 2), (2, 4), (3, 9)]).pipe(rs.math.covariance(reduce=True)).run()
    3.5
    """
    return operator(Covariance(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Covariance(Fold):
    """The node of `covariance`."""

    name: ClassVar[str] = "covariance"

    def reduction(self) -> Reduction:
        return comoments.reduction(comoments.covariance)


def correlation(
    key_mapper: Callable[[Any], tuple[Any, Any]] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute Pearson's correlation coefficient of pairs, between -1 and 1 (Schubert and Gertz 2018).

    ```
    --(1,2)--(2,4)--(3,6)--|
      correlation()
    --None---1.0----1.0----|
    ```

    Args:
        key_mapper: the pair (x, y) of an item; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out pairs with None or NaN.
        min_periods: how many pairs the result needs; it is None for fewer.

    *Emits* the running value for each item, or the final one once; None while x or y has not varied. *NaN* and
    infinities, of x or y, make the result NaN. *State* eight numbers a key. *Raises* `TypeError` or `ValueError` for
    what is not a pair of real numbers, and `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> round(rx.from_([(1, 2), (2, 4), (3, 0)]).pipe(rs.math.correlation(reduce=True)).run(), 8)
    -0.5
    """
    return operator(Correlation(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Correlation(Fold):
    """The node of `correlation`."""

    name: ClassVar[str] = "correlation"

    def reduction(self) -> Reduction:
        return comoments.reduction(comoments.correlation)


def slope(
    key_mapper: Callable[[Any], tuple[Any, Any]] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the slope of the least-squares line of y over x: a trend if x is a time (Schubert and Gertz 2018).

    ```
    --(1,2)--(2,4)--(3,9)--|
      slope()
    --None---2.0----3.5----|
    ```

    Args:
        key_mapper: the pair (x, y) of an item; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out pairs with None or NaN.
        min_periods: how many pairs the result needs; it is None for fewer.

    *Emits* the running value for each item, or the final one once; None while x has not varied. *NaN* and infinities,
    of x or y, make the result NaN. *State* eight numbers a key. *Raises* `TypeError` or `ValueError` for what is not a
    pair of real numbers, and `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([(1, 2), (2, 4), (3, 9)]).pipe(rs.math.slope(reduce=True)).run()
    3.5
    """
    return operator(Slope(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Slope(Fold):
    """The node of `slope`."""

    name: ClassVar[str] = "slope"

    def reduction(self) -> Reduction:
        return comoments.reduction(comoments.slope)
