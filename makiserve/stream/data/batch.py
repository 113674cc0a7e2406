"""`data.batch`: lists of items."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import completing
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage, State
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
    a key. If a function fails on a list with two last items in a row, both fail, and the list is removed.

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
    holds_items: ClassVar[bool] = True
    traits = Traits(raises=False)
    batch_size: int

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(list)
        failures = Failures(scope, slot, self.batch_size)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            batch = code.let("batch", f"{state}[{slot}]")
            code.line(f"{batch}.append({item})")
            code.line(f"journal.append(({batch}.pop,))")
            with code.block(f"if len({batch}) == {self.batch_size}:"):
                code.line(f"{state}[{slot}] = []")
                count = code.let("failures", f"{state}[{failures.slot}]")
                code.line(f"{state}[{failures.slot}] = 0")
                with failures.emitting(code, state, count):
                    then.push(code, code.let("batch", f"{batch}.copy()"))

        def complete(code: Code) -> None:
            batch = code.let("batch", f"{code.state(scope)}[{slot}]")
            with code.block(f"if {batch}:"):
                then.call(code, f"{batch}.copy()")
            then.complete(code)

        return Part(push, complete)


class Failures:
    """How many items in a row have filled a list that a function then failed on; the second one removes the list.

    Args:
        scope: the scope of the lists.
        items: the slot of the open list.
        size: the number of items of a list.

    Attributes:
        slot: the slot of the number.
    """

    def __init__(self, scope: Scope, items: int, size: int) -> None:
        self.slot = scope.value(0)
        scope.marks.append(self)
        self._items, self._size = items, size

    def emitting(self, code: Code, state: str, failures: str) -> AbstractContextManager[None]:
        """Write that the list is emitted, which has failed this often before."""
        if self._size == 1:  # a single item is the only cause
            return nullcontext()
        name = repr(f"list of {self._size} items")
        return completing(code, "list", name, self._note, state, failures, is_last_chance=f"{failures} > 0")

    def _note(self, state: State, failures: int) -> None:
        if len(state[self._items]) < self._size - 1:  # a list has been emitted or removed since
            return
        state[self.slot] = 0 if failures else 1
        if failures:
            state[self._items].clear()
