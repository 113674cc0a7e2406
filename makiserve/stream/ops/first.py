"""`ops.first`: the first item of a stream or window."""

from __future__ import annotations

from dataclasses import dataclass
from operator import or_
from typing import Any, ClassVar

from makiserve.stream.engine.operator import Operator, Stage, State
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.trace import Transform, operator


def first() -> Transform:
    """Emits the first item, at once.

    ```
    --1--2--3--|
      first()
    --1--------|
    ```

    *Emits* one item, or nothing for an empty stream (RxSci, on a plain Observable, fails there).
    *State* one flag a key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.first()).run()
    1
    """
    return operator(First())


@dataclass(frozen=True, eq=False)
class First(Operator):
    """The node of `first`."""

    name: ClassVar[str] = "first"
    raises: ClassVar[bool] = False

    def build(self, then: Stage, scope: Scope) -> Stage:
        seen, emit = scope.value(first=False, merge=or_), then.push
        scope.writes(then)

        def push(item: Any, state: State) -> None:
            if not state[seen]:
                state[seen] = True
                emit(item, state)

        return then._replace(push=push)
