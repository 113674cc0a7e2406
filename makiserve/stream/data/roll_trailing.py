"""`data.roll_trailing`: the window of event time that ends at each item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.data.trailing import TrailingItems, TrailingPanes
from makiserve.stream.engine.plan import EACH, FIRST, LAST, Operator, Plan, Rhythm
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace
from makiserve.stream.event_time import Duration, ms_from_duration


def roll_trailing(window: Duration, time_mapper: Callable[[Any], Any], pipeline: Pipeline) -> Transform:
    """Run `pipeline`, at each item, on the items of the last `window` of event time.

    ```
    --1s--4s--7s--12s--|
      roll_trailing(window=5s, time, [ops.count(reduce=True)])
    --1---2---2---1----|
    ```

    This is pandas' `rolling("5s")`, and Kafka's sliding window that ends at each record. The window of an item at t
    contains the items after t - window and up to t, the item itself included. Of items with the same time, it contains
    those that came before. `roll_time` has windows that begin at fixed times and are emitted once, at their end.

    A late item, one that is older than the newest item so far, has its own window, too: the items that are still kept
    and not after it. Kept are the items of the last `window` before the newest one. The windows of later items contain
    the late item, too. An item that is `window` or more older than the newest one is alone in its window, and is not
    kept.

    If the pipeline ends in a mergeable reduction (`ops.count`, `ops.last` and those of `math`, or tee_map of such), an
    item costs three merges on average, however many items are in the window; a late one costs a merge for each of them.
    (Merges of the panes before and after the multiples of `window`: van Herk, "A fast algorithm for local minimum and
    maximum filters", Pattern Recognition Letters 13, 1992.) Other pipelines run on all items of the window again. A
    result depends on the items of its window alone, to the last bit.

    Args:
        window: how far back a window goes, in whole milliseconds: a timedelta, or text such as `6h` or `500ms`.
        time_mapper: the event time of an item: a datetime (UTC if it has no zone) or integer milliseconds.
        pipeline: the pipeline for each window's items, in the order of their times; it completes with the window. It
            ends in a reduction. `min_periods` of a reduction gives None while a window has fewer values.

    *Emits* what the window emits, one result for most pipelines, at each item. *State* the time and one partial result
    for each item of the last `window` before the newest one; other pipelines keep the items. *Raises* what
    `time_mapper` raises, and `TypeError` for what is not a time.

    Raises:
        PipelineError: the duration is not a whole number of milliseconds, or the pipeline would emit for each item of
            each window.

    >>> import rx, makiserve.stream as rs
    >>> counts = rs.data.roll_trailing("5s", lambda i: i * 1000, [rs.ops.count(reduce=True)])
    >>> rx.from_([1, 4, 7, 12]).pipe(counts).subscribe(print).dispose()
    1
    2
    2
    1
    """
    window_ms, plan = ms_from_duration(window, "roll_trailing: window"), trace(pipeline)
    if plan.rhythm == EACH:
        raise PipelineError(
            "roll_trailing: its pipeline emits for each item of a window, so an item would give as many results as its "
            "window has items. End it with a reduction, such as rs.math.mean(reduce=True) or rs.ops.last()"
        )
    return operator(RollTrailing(window_ms, time_mapper, plan))


@dataclass(frozen=True, eq=False)
class RollTrailing(Operator):
    """The node of `roll_trailing`."""

    name: ClassVar[str] = "roll_trailing"
    window_ms: int
    time_mapper: Callable[[Any], Any]
    pipeline: Plan

    @property
    def fans_out(self) -> bool:
        return self.pipeline.fans_out or not self.pipeline.mergeable

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return before if self.pipeline.rhythm in (FIRST, LAST) else None

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline

    def build(self, then: Stage, scope: Scope) -> Part:
        windows = TrailingPanes if self.pipeline.mergeable else TrailingItems
        return Part(windows(self.pipeline, self.window_ms, self.time_mapper, then, scope).write_push, then.complete)
