"""`ops.first`: the first item of a stream or window."""

from __future__ import annotations

from dataclasses import dataclass
from operator import or_
from typing import ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import FIRST, LAST, REGULAR, Operator, Rhythm
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.observable import completing_early


def first() -> Transform:
    """Emits the first item, at once.

    ```
    --1--2--3--|
      first()
    --1|
    ```

    An Observable completes after it and is unsubscribed from; groups, windows, lanes and `with_memory_store` drop what
    comes later. An error of the operators before it ends an Observable here: those that handle errors stand in front.

    *Emits* one item, or nothing for an empty stream (RxSci, on a plain Observable, fails there).
    *State* one flag a key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.first()).run()
    1
    """
    return completing_early(1, First())


@dataclass(frozen=True, eq=False)
class First(Operator):
    """The node of `first`."""

    name: ClassVar[str] = "first"
    raises: ClassVar[bool] = False

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return (LAST if before == LAST else FIRST) if before in REGULAR else None

    def build(self, then: Stage, scope: Scope) -> Part:
        seen = scope.value(first=False, merge=or_)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            with code.block(f"if not {state}[{seen}]:"):
                code.line(f"{state}[{seen}] = True")
                then.push(code, item)

        return Part(push, then.complete)
