"""`math.mean`: the arithmetic mean of the items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math import compensated

Partial = tuple[int, compensated.Partial]


def mean(key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False) -> Transform:
    """The arithmetic mean, from a compensated sum.

    ```
    --1--2----6--|
      mean()
    --1--1.5--3--|
    ```

    Args:
        key_mapper: the number to average; by default the item itself.
        reduce: emit only the final mean, when the stream or its window completes; None for an empty stream (RxSci
            divides by zero there).

    *Emits* the running mean for each item, or the mean once. *State* three numbers a key. *Raises* `TypeError` for what
    cannot be added.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 6]).pipe(rs.math.mean(reduce=True)).run()
    3.0
    """
    return operator(Mean(key_mapper, reduce))


@dataclass(frozen=True, eq=False)
class Mean(Fold):
    """The node of `mean`."""

    name: ClassVar[str] = "mean"

    def reduction(self) -> Reduction:
        return Reduction((0, compensated.ZERO), _add, _merge, _result)


def _add(partial: Partial, value: Any) -> Partial:
    return partial[0] + 1, compensated.add(partial[1], value)


def _merge(earlier: Partial, later: Partial) -> Partial:
    return earlier[0] + later[0], compensated.merge(earlier[1], later[1])


def _result(partial: Partial) -> Any:
    count, total = partial
    return compensated.result(total) / count if count else None
