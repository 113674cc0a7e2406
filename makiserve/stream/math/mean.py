"""`math.mean`: the arithmetic mean of the items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import compensated
from makiserve.stream.scalars import real

if TYPE_CHECKING:
    from typing_extensions import Unpack

Partial = tuple[int, compensated.Partial]


def mean(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Average the items, by a compensated sum.

    ```
    --1--2----6--|
      mean()
    --1--1.5--3--|
    ```

    Args:
        key_mapper: the number to average; by default the item itself.
        reduce: emit only the final mean, when the stream or its window completes; None for an empty stream (RxSci
            divides by zero there).
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running mean for each item, or the mean once. *NaN* makes the mean NaN, an infinity makes it infinite,
    infinities of both signs make it NaN. *State* three numbers a key. *Raises* `TypeError` for what is not a real
    number, None included, and `OverflowError` for an integer that is too large for a float.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 6]).pipe(rs.math.mean(reduce=True)).run()
    3.0
    """
    return operator(Mean(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Mean(Fold):
    """The node of `mean`."""

    name: ClassVar[str] = "mean"

    def reduction(self) -> Reduction:
        return Reduction((0, compensated.ZERO), _add, _merge, _result, real)


def _add(partial: Partial, value: Any) -> Partial:
    return partial[0] + 1, compensated.add(partial[1], value)


def _merge(earlier: Partial, later: Partial) -> Partial:
    return earlier[0] + later[0], compensated.merge(earlier[1], later[1])


def _result(partial: Partial) -> Any:
    count, total = partial
    return compensated.mean(total, count) if count else None
