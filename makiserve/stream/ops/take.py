"""`ops.take`: the first items of a stream or window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.observable import completing_early


def take(count: int) -> Transform:
    """Emits the first `count` items.

    ```
    --1--2--3--4--|
      take(2)
    --1--2|
    ```

    An Observable completes after them and is unsubscribed from; groups, windows, lanes and `with_memory_store` drop
    what comes later. An error of the operators before it ends an Observable here: those that handle errors stand in
    front.

    Args:
        count: how many items to emit; 0 emits none.

    *Emits* each item, until there were `count`. *State* one integer a key.

    Raises:
        PipelineError: the count is negative.

    >>> import itertools, makiserve.stream as rs
    >>> rs.ops.from_iterable(itertools.count()).pipe(rs.ops.take(2)).subscribe(print).dispose()
    0
    1
    """
    if count < 0:
        raise PipelineError(f"take: the count is at least 0, not {count}")
    return completing_early(count, Take(count))


@dataclass(frozen=True, eq=False)
class Take(Operator):
    """The node of `take`."""

    name: ClassVar[str] = "take"
    raises: ClassVar[bool] = False
    count: int

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.value(self.count)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{slot}]"
            with code.block(f"if {place}:"):
                code.line(f"{place} -= 1")
                then.push(code, item)

        return Part(push, then.complete)
