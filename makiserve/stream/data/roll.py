"""`data.roll`: windows of a number of items."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.failure_mark import FailureMark
from makiserve.stream.engine.panes import build_panes
from makiserve.stream.engine.plan import Operator, Plan, Rhythm
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace


def roll(window: int, stride: int, pipeline: Pipeline | None = None) -> Transform:
    """Run `pipeline` on windows of `window` items; a window opens every `stride` items.

    ```
    --1--2--3--4--5--|
      roll(window=3, stride=2, pipeline=[math.sum(reduce=True)])
    --------6-----12-5|
    ```

    With stride = window the windows are adjacent. With a smaller stride they overlap, with a larger one the items
    between them are dropped. If the pipeline is stateless steps up to a mergeable reduction (`ops.count`, `ops.last`
    and those of `math`, or tee_map of such), each item updates one pane and a window merges its panes: the cost of an
    item does not depend on window / stride. Other pipelines get each item once for each open window.

    Args:
        window: the number of items of a window, at least 1.
        stride: the number of items from one window's first to the next one's, at least 1.
        pipeline: the pipeline for each window's items; it completes when the window is full.

    *Emits* what the windows emit, at the item that fills them. When a finite stream completes, so do its open windows,
    oldest first; a served lane never completes. If a window fails to complete with two last items in a row, both fail,
    and the window is removed without output. *State* one state of the pipeline for each pane or open window.

    Raises:
        PipelineError: window or stride is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rolling = rs.data.roll(window=3, stride=2, pipeline=[rs.math.sum(reduce=True)])
    >>> rx.from_([1, 2, 3, 4, 5]).pipe(rolling).subscribe(print).dispose()
    6
    12
    5
    """
    items, every = (
        whole_number(
            count, f"roll: {name}, a number of items,", advice="; for windows of time use roll_time or roll_trailing"
        )
        for name, count in (("window", window), ("stride", stride))
    )
    return operator(Roll(items, every, trace(pipeline)))


@dataclass(frozen=True, eq=False)
class Roll(Operator):
    """The node of `roll`."""

    name: ClassVar[str] = "roll"
    window: int
    stride: int
    pipeline: Plan

    @property
    def is_sliced(self) -> bool:
        """Return whether windows are merged from panes."""
        return self.pipeline.mergeable

    @property
    def fans_out(self) -> bool:
        return self.pipeline.fans_out or (self.stride < self.window and not self.is_sliced)

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return (*before, (self.name, self.window, self.stride, self.pipeline.rhythm))

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline

    def build(self, then: Stage, scope: Scope) -> Part:
        compile_windows = build_panes if self.is_sliced else build_windows
        return compile_windows(self.pipeline, self.window, self.stride, then, scope)


def build_windows(plan: Plan, window: int, stride: int, then: Stage, scope: Scope) -> Part:
    """Compile `plan` to run in windows of `window` items that open every `stride` items.

    This is the general implementation: every open window is a scope, and each item is pushed into all of them.
    """
    # an item goes to all open windows, and may complete one: that can fail after it has been written
    inner, layout = build_inner(plan, then._replace(repeats=True), scope)
    position, opened = scope.value(0), scope.container(list, layout)
    mark = FailureMark(scope, position, window) if window > 1 else None  # a single item is the only cause
    scope.writes_late(then)

    def push(code: Code, item: str) -> None:
        state = code.state(scope)
        count, windows, child = code.name("count"), code.name("windows"), code.name("window")
        code.line(f"{count} = {state}[{position}]")
        code.line(f"{windows} = {state}[{opened}]")
        with code.block(f"if {count} % {stride} == 0:"):
            code.line(f"{windows}.append({layout.write_new(code, state)})")
            code.line(f"journal.append(({windows}.pop,))")
        with code.block(f"for {child} in {windows}:"), code.inside(layout, child):
            layout.write_enter(code, child)
            inner.push(code, item)
        with code.block(f"if {count} >= {window - 1} and ({count} - {window - 1}) % {stride} == 0:"):
            code.remember(state)
            code.line(f"{child} = {windows}.pop(0)")
            code.line(f"journal.append(({windows}.insert, 0, {child}))")
            code.remember(child)
            kept = code.block(f"if not {mark.is_removed(code, state, count)}:") if mark else nullcontext()
            with kept, mark.completing(code, state, count) if mark else nullcontext(), code.inside(layout, child):
                inner.complete(code)
        code.line(f"{state}[{position}] = {count} + 1")

    def complete(code: Code) -> None:
        state, child = code.state(scope), code.name("window")
        windows = code.let("windows", f"{state}[{opened}]")
        if mark:
            with code.block(f"if {mark.is_removed(code, state, f'{state}[{position}]')}:"):
                code.line(f"{windows} = {windows}[1:]")
            code.line(f"{state}[{mark.slot}] = 0")
        code.line(f"{state}[{opened}], {state}[{position}] = [], 0")
        with code.block(f"for {child} in {windows}:"), code.inside(layout, child):
            code.remember(child)
            inner.complete(code)
        then.complete(code)

    return Part(push, complete)
