"""`data.batch`: lists of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def batch(batch_size: int) -> Transform:
    """Gather the items into lists.

    ```
    --1--2--3------4--5--|
      batch(3)
    --------[1,2,3]------[4,5]|
    ```

    Args:
        batch_size: the number of items of a list, at least 1.

    *Emits* a list with the item that fills it, and at completion the items that are left, if there are any (RxSci
    emits the last full list a second time, and an empty list for an empty stream). *State* at most `batch_size` items
    a key.

    Raises:
        PipelineError: batch_size is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3, 4, 5]).pipe(rs.data.batch(3)).subscribe(print).dispose()
    [1, 2, 3]
    [4, 5]
    """
    return operator(BatchNode(whole_number(batch_size, "batch: batch_size")))


@dataclass(frozen=True, eq=False)
class BatchNode(Operator):
    """The node of `batch`."""

    name: ClassVar[str] = "batch"
    traits = Traits(raises=False)
    batch_size: int

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(list)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            batch = code.let("batch", f"{state}[{slot}]")
            code.line(f"{batch}.append({item})")
            code.line(f"journal.append(({batch}.pop,))")
            with code.block(f"if len({batch}) == {self.batch_size}:"):
                code.line(f"{state}[{slot}] = []")
                then.push(code, code.let("batch", f"{batch}.copy()"))

        def complete(code: Code) -> None:
            batch = code.let("batch", f"{code.state(scope)}[{slot}]")
            with code.block(f"if {batch}:"):
                then.call(code, f"{batch}.copy()")
            then.complete(code)

        return Part(push, complete)
