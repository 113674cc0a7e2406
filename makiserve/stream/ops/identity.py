"""`ops.identity`: every item as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def identity() -> Transform:
    """Pass every item on unchanged: the branch of a `tee_map` that keeps the item.

    ```
    --1--2--3--|
      identity()
    --1--2--3--|
    ```

    *Emits* the item. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> with_total = rs.ops.tee_map(rs.ops.identity(), rs.math.sum())
    >>> rx.from_([1, 2, 3]).pipe(with_total).subscribe(print).dispose()
    (1, 1)
    (2, 3)
    (3, 6)
    """
    return operator(Identity())


@dataclass(frozen=True, eq=False)
class Identity(Operator):
    """The node of `identity`: no code at all."""

    name: ClassVar[str] = "identity"
    traits = Traits(raises=False, stateless=True, one_to_one=True)

    def build(self, then: Stage, scope: Scope) -> Part:
        return Part(then.push, then.complete)
