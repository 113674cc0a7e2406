"""`data.to_deque`: hold the items back until the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.data.collect import Collect
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.stage import Stage
from makiserve.stream.engine.trace import Transform, operator


def to_deque(extend: bool = False) -> Transform:
    """Buffers the items and emits them when the stream or its window completes.

    ```
    --1--2--3--|
      to_deque()
    -----------1-2-3|
    ```

    Args:
        extend: take each item as an iterable, and emit its elements.

    *Emits* the items, or their elements, in order, at completion. *State* all items of the stream or window.
    *Raises*, with `extend`, `TypeError` for an item that is not iterable.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([[1, 2], [3]]).pipe(rs.data.to_deque(extend=True)).subscribe(print).dispose()
    1
    2
    3
    """
    return operator(ToDeque(extend))


@dataclass(frozen=True, eq=False)
class ToDeque(Collect):
    """The node of `to_deque`."""

    name: ClassVar[str] = "to_deque"
    fans_out: ClassVar[bool] = True  # all at once, by the item that completes a window
    extend: bool

    def write_value(self, code: Code, item: str) -> str:
        return code.let("elements", f"tuple({item})") if self.extend else item

    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        items = code.name("item")
        if self.extend:
            with code.block(f"for elements in {kept}:"), code.block(f"for {items} in elements:"):
                then.call(code, items)
        else:
            with code.block(f"for {items} in {kept}:"):
                then.call(code, items)
