"""`ops.map`: one item in, one item out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def map(mapper: Callable[[Any], Any]) -> Transform:
    """Applies `mapper` to each item.

    ```
    --1--2--3--|
      map(lambda i: i * 10)
    --10-20-30-|
    ```

    *Emits* one item for each item. *State* none. *Raises* what `mapper` raises.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.map(lambda i: i * 10)).subscribe(print).dispose()
    10
    20
    30
    """
    return operator(Map(mapper))


@dataclass(frozen=True, eq=False)
class Map(Operator):
    """The node of `map`."""

    name: ClassVar[str] = "map"
    stateless: ClassVar[bool] = True
    one_to_one: ClassVar[bool] = True
    mapper: Callable[[Any], Any]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            then.push(code, code.let("item", f"{code.constant(self.mapper)}({item})"))

        return Part(push, then.complete)
