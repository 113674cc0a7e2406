"""`data.sort`: all items, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.data.to_collection import Collect
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.stage import Stage
from makiserve.stream.engine.trace import Transform, operator


def sort(key: Callable[[Any], Any] | None = None, reverse: bool = False) -> Transform:
    """Sort the items of a stream or window.

    ```
    --3--1--2--|
      sort()
    -----------1-2-3|
    ```

    Args:
        key: the value to sort by; by default the item itself. Items with equal keys stay in their order.
        reverse: sort the largest first.

    *Emits* the items in order, when the stream or its window completes. *State* all items of the stream or window.
    *Raises*, at completion, what `key` raises, and `TypeError` for what cannot be compared.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 1, 2]).pipe(rs.data.sort()).subscribe(print).dispose()
    1
    2
    3
    """
    return operator(Sort(key, reverse))


@dataclass(frozen=True, eq=False)
class Sort(Collect):
    """The node of `sort`."""

    name: ClassVar[str] = "sort"
    fans_out: ClassVar[bool] = True  # all at once, at the item that completes a window
    key: Callable[[Any], Any] | None
    reverse: bool

    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        key = f"key={code.constant(self.key)}, " if self.key else ""
        item = code.name("item")
        with code.block(f"for {item} in sorted({kept}, {key}reverse={self.reverse}):"):
            then.call(code, item)
