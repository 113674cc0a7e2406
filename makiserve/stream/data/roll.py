"""`data.roll`: windows of a number of items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.count_windows import build_windows
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
