"""`ops.starmap`: one item in, one item out, the item's elements as arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def starmap(mapper: Callable[..., Any]) -> Transform:
    """Applies `mapper` to the elements of each item.

    ```
    --(1,2)--(3,4)--|
      starmap(lambda a, b: a + b)
    --3------7------|
    ```

    *Emits* one item for each item. *State* none. *Raises* what `mapper` raises, and `TypeError` for an item that cannot
    be unpacked.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([(1, 2), (3, 4)]).pipe(rs.ops.starmap(lambda a, b: a + b)).subscribe(print).dispose()
    3
    7
    """
    return operator(Starmap(mapper))


@dataclass(frozen=True, eq=False)
class Starmap(Operator):
    """The node of `starmap`."""

    name: ClassVar[str] = "starmap"
    stateless: ClassVar[bool] = True
    one_to_one: ClassVar[bool] = True
    mapper: Callable[..., Any]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            then.push(code, code.let("item", f"{code.constant(self.mapper)}(*{item})"))

        return Part(push, then.complete)
