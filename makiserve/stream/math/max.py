"""`math.max`: the largest item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator


def max(key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False) -> Transform:
    """The largest item.

    ```
    --3--5--2--|
      max()
    --3--5--5--|
    ```

    Args:
        key_mapper: the value to compare; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes; None for an empty stream.

    *Emits* the largest value so far for each item, or the largest once; of equal ones the first.
    *State* one value a key. *Raises* `TypeError` for what cannot be compared.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 5, 2]).pipe(rs.math.max(reduce=True)).run()
    5
    """
    return operator(Max(key_mapper, reduce))


@dataclass(frozen=True, eq=False)
class Max(Fold):
    """The node of `max`."""

    name: ClassVar[str] = "max"

    def reduction(self) -> Reduction:
        return Reduction(None, _either, _either)


def _either(kept: Any, value: Any) -> Any:
    if kept is None or (value is not None and value > kept):
        return value
    return kept
