"""`ops.pairwise`: each item with the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.held_items import HeldItems
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

    *Emits* `(previous, item)` from the second item on. If a function fails on the pairs of two items in a row, both
    fail, and the previous item is dropped: the next item has none. *State* one item a key.

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
    holds_items: ClassVar[bool] = True
    traits = Traits(raises=False, writes_late=True)

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.value(MISSING)
        held = HeldItems(scope, slot, str(self))
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            previous = code.let("previous", f"{state}[{slot}]")
            code.later(f"{state}[{slot}] = {item}")
            code.later(f"{state}[{held.slot}] = 0")
            with (
                code.block(f"if {previous} is not {code.constant(MISSING, 'MISSING')}:"),
                held.given(code, state),
            ):
                then.push(code, code.let("pair", f"({previous}, {item})"))

        return Part(push, then.complete)
