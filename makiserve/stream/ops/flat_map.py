"""`ops.flat_map`: each element of an iterable item as an item of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def flat_map() -> Transform:
    """Emits the elements of each item one by one.

    ```
    --[1,2]--[]--[3]--|
      flat_map()
    --1-2--------3----|
    ```

    *Emits* one item for each element, in its order. *State* none. *Raises* `TypeError` for an item that cannot be
    iterated, and what its iteration raises: it counts as that item's error, whereupon none of its elements is emitted.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([[1, 2], [], [3]]).pipe(rs.ops.flat_map()).subscribe(print).dispose()
    1
    2
    3
    """
    return operator(FlatMap())


@dataclass(frozen=True, eq=False)
class FlatMap(Operator):
    """The node of `flat_map`."""

    name: ClassVar[str] = "flat_map"
    stateless: ClassVar[bool] = True

    @property
    def fans_out(self) -> bool:
        return True

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            element = code.name("element")
            with code.block(f"for {element} in {item}:"):
                then.push(code, element)

        return Part(push, then.complete)
