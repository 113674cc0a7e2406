"""`ops.pairwise`: each item with the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def pairwise() -> Transform:
    """Pair each item with the one before it; the first item has none. It is ReactiveX's `pairwise`.

    ```
    --1--2------3------|
      pairwise()
    -----(1,2)--(2,3)--|
    ```

    *Emits* `(previous, item)` from the second item on. *State* one item a key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.pairwise()).subscribe(print).dispose()
    (1, 2)
    (2, 3)
    """
    return operator(Pairwise())


@dataclass(frozen=True, eq=False)
class Pairwise(Operator):
    """The node of `pairwise`."""

    name: ClassVar[str] = "pairwise"
    traits = Traits(raises=False)

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.value(MISSING)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{slot}]"
            previous = code.let("previous", place)
            code.line(f"{place} = {item}")
            with code.block(f"if {previous} is not {code.constant(MISSING, 'MISSING')}:"):
                then.push(code, code.let("pair", f"({previous}, {item})"))

        return Part(push, then.complete)
