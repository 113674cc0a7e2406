"""`math.min`: the smallest item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.trace import Transform, operator


def min(key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False) -> Transform:
    """The smallest item.

    ```
    --3--5--2--|
      min()
    --3--3--2--|
    ```

    Args:
        key_mapper: the value to compare; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes; None for an empty stream.

    *Emits* the smallest value so far for each item, or the smallest once; of equal ones the first.
    *State* one value a key. *Raises* `TypeError` for what cannot be compared.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 5, 2]).pipe(rs.math.min(reduce=True)).run()
    2
    """
    return operator(Min(key_mapper, reduce))


@dataclass(frozen=True, eq=False)
class Min(Fold):
    """The node of `min`."""

    name: ClassVar[str] = "min"

    def reduction(self) -> Reduction:
        return Reduction(None, _either, _either)


def _either(kept: Any, value: Any) -> Any:
    if kept is None or (value is not None and value < kept):
        return value
    return kept
