"""`data.split`: split the stream into runs of equal values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.data.part import OpenPart
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace


def split(predicate: Callable[[Any], Any], pipeline: Pipeline | None = None) -> Transform:
    """Run `pipeline` on each run of items for which `predicate` gives the same value.

    ```
    --1--2--11--12--3--|
      split(lambda i: i > 10, [math.sum(reduce=True)])
    --------3-------23-3|
    ```

    Args:
        predicate: the value of an item; a new part begins where it changes.
        pipeline: the pipeline for each part's items; it completes with the item that begins the next part.

    *Emits* what the parts emit. When a finite stream completes, so does its last part. *State* the last value, and one
    state of the pipeline. *Raises* what `predicate` and the comparison of two values raise. If the comparison raises
    for two items in a row, both fail, and the open part is dropped without output.

    >>> import rx, makiserve.stream as rs
    >>> runs = rs.data.split(lambda i: i > 10, [rs.math.sum(reduce=True)])
    >>> rx.from_([1, 2, 11, 12, 3]).pipe(runs).subscribe(print).dispose()
    3
    23
    3
    """
    return operator(SplitNode(predicate, trace(pipeline)))


@dataclass(frozen=True, eq=False)
class SplitNode(Operator):
    """The node of `split`."""

    name: ClassVar[str] = "split"
    fans_out: ClassVar[bool] = True  # a part completes, then the item goes into the next
    predicate: Callable[[Any], Any]
    pipeline: Plan

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline

    def build(self, then: Stage, scope: Scope) -> Part:
        current = scope.value(MISSING)
        part = OpenPart(self.pipeline, then, scope, current)
        held = HeldItems(scope, current, self.name, part.drop)
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{current}]"
            value, ends = code.let("value", f"{code.constant(self.predicate)}({item})"), code.name("ends")
            with held.given(code, code.state(scope)):
                differs = f"{place} is not {code.constant(MISSING, 'MISSING')} and {value} != {place}"
                code.line(f"{ends} = True if {differs} else False")
            opened = part.write_open(code)
            with code.block(f"if {ends}:"):
                part.write_next(code, opened)
            part.write_push(code, opened, item)
            code.line(f"{place} = {value}")
            code.line(f"{code.state(scope)}[{held.slot}] = 0")

        def complete(code: Code) -> None:
            part.write_end(code)
            then.complete(code)

        return Part(push, complete)
