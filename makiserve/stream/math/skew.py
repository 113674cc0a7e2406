"""`math.skew`: the sample skewness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import moments
from makiserve.stream.math.moments import nothing
from makiserve.stream.scalars import real

if TYPE_CHECKING:
    from typing_extensions import Unpack

Partial = tuple[moments.Partial, float]
"""The moments of `moments`, and the sum of cubed deviations from the mean."""


def skew(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the sample skewness, corrected for bias (Joanes and Gill 1998): how far one tail outweighs the other.

    ```
    --1-----2-----6-----|
      skew()
    --None--None--1.46--|
    ```

    It is the adjusted Fisher-Pearson coefficient of pandas' `Series.skew()`, in one pass (Pébay 2008).

    Args:
        key_mapper: the number to use; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running skewness for each item, or the final one once; None for fewer than three items, and while
    all are equal. *NaN* and infinities make the result NaN, and so do deviations whose cubes exceed a float, from about
    1e102. *State* five numbers a key. *Raises* `TypeError` for what is not a real number, None included, and
    `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> round(rx.from_([1, 2, 6]).pipe(rs.math.skew(reduce=True)).run(), 8)
    1.45786297
    """
    return operator(Skew(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Skew(Fold):
    """The node of `skew`."""

    name: ClassVar[str] = "skew"

    def reduction(self) -> Reduction:
        return Reduction((moments.ZERO, 0.0), _add, _merge, _skewness, real)


def _add(partial: Partial, value: float) -> Partial:
    (count, pivot, mean, squares), cubes = partial
    after = moments.add(partial[0], value)
    if not count:
        return after, nothing(value)
    deviation = (value - pivot) - mean
    part = deviation / (count + 1)
    return after, cubes + part * (deviation * part * count * (count - 1) - 3 * squares)


def _merge(earlier: Partial, later: Partial) -> Partial:
    (count, pivot, mean, squares), cubes = earlier
    (more, other_pivot, other_mean, more_squares), more_cubes = later
    if not count or not more:
        return later if more else earlier
    deviation = (other_pivot - pivot) + (other_mean - mean)
    part = deviation / (count + more)
    cubed = deviation * part * count * more * (count - more)
    crossed = 3 * (count * more_squares - more * squares)
    return moments.merge(earlier[0], later[0]), cubes + more_cubes + part * (cubed + crossed)


def _skewness(partial: Partial) -> float | None:
    (count, _, _, squares), cubes = partial
    if squares != squares:
        return nan
    if count < 3 or not squares:
        return None
    skewness = count * sqrt(count - 1) / (count - 2) * (cubes / squares / sqrt(squares))
    return skewness if isfinite(skewness) else nan
