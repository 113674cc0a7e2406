"""`data.to_list`: all items, as one list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.data.collect import Collect
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import LAST, Rhythm
from makiserve.stream.engine.stage import Stage
from makiserve.stream.engine.trace import Transform, operator


def to_list() -> Transform:
    """Collects the items into a list.

    ```
    --1--2--3--|
      to_list()
    -----------[1,2,3]|
    ```

    *Emits* one list, when the stream or its window completes; an empty one for an empty stream.
    *State* all items of the stream or window.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.data.to_list()).run()
    [1, 2, 3]
    """
    return operator(ToList())


@dataclass(frozen=True, eq=False)
class ToList(Collect):
    """The node of `to_list`."""

    name: ClassVar[str] = "to_list"
    raises: ClassVar[bool] = False

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return LAST

    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        then.call(code, f"{kept}.copy()")
