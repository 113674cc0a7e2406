"""`ops.first`, `ops.last`, `ops.take`: items by their position."""

from __future__ import annotations

from dataclasses import dataclass
from operator import or_
from typing import Any, ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.plan import FIRST, LAST, REGULAR, Operator, Rhythm, Traits
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.observable import completing_early


def first() -> Transform:
    """Emit the first item, at once.

    ```
    --1--2--3--|
      first()
    --1|
    ```

    An Observable completes after it and is unsubscribed from; groups, windows, lanes and `with_memory_store` drop what
    comes later. An error of the operators before it ends an Observable; put operators that handle errors in front.

    *Emits* one item, or nothing for an empty stream (RxSci, on a plain Observable, fails there); None for an empty
    window of `roll_trailing`. *State* one flag a key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.first()).run()
    1
    """
    return completing_early(1, First())


@dataclass(frozen=True, eq=False)
class First(Operator):
    """The node of `first`."""

    name: ClassVar[str] = "first"
    traits = Traits(raises=False)

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

        def complete(code: Code) -> None:
            if scope.may_be_empty:
                with code.block(f"if not {code.state(scope)}[{seen}]:"):
                    then.call(code, "None")
            then.complete(code)

        return Part(push, complete)


def last() -> Transform:
    """Emit the last item, when the stream or its window completes.

    ```
    --1--2--3--|
      last()
    -----------3|
    ```

    *Emits* one item, or nothing for an empty stream; None for an empty window of `roll_trailing`. *State* one item a
    key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.last()).run()
    3
    """
    return operator(Last(None, reduce=True))


@dataclass(frozen=True, eq=False)
class Last(Fold):
    """The node of `last`."""

    name: ClassVar[str] = "last"
    traits = Traits(raises=False, writes_late=True, mergeable=True)

    def reduction(self) -> Reduction:
        return Reduction(MISSING, lambda _, item: item, _later_present, inline=lambda _, item: item)

    def __str__(self) -> str:
        return self.name


def _later_present(earlier: Any, later: Any) -> Any:
    return earlier if later is MISSING else later


def take(count: int) -> Transform:
    """Emit the first `count` items.

    ```
    --1--2--3--4--|
      take(2)
    --1--2|
    ```

    An Observable completes after them and is unsubscribed from; groups, windows, lanes and `with_memory_store` drop
    what comes later. An error of the operators before it ends an Observable; put operators that handle errors in front.

    Args:
        count: how many items to emit; 0 emits none.

    *Emits* each item, up to `count` of them. *State* one integer a key.

    Raises:
        PipelineError: the count is not an integer of at least 0.

    >>> import itertools, makiserve.stream as rs
    >>> rs.ops.from_iterable(itertools.count()).pipe(rs.ops.take(2)).subscribe(print).dispose()
    0
    1
    """
    count = whole_number(count, "take: count", least=0)
    return completing_early(count, Take(count))


@dataclass(frozen=True, eq=False)
class Take(Operator):
    """The node of `take`."""

    name: ClassVar[str] = "take"
    traits = Traits(raises=False)
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
