"""`data.roll_time`: windows of a span of event time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from makiserve.stream.data.hopping import HoppingPanes, HoppingWindows, Spans
from makiserve.stream.data.window_bounds import write_time
from makiserve.stream.engine.build import build, write_nothing
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace
from makiserve.stream.event_time import Duration, ms_from_duration

NONE = timedelta(0)


def roll_time(
    window: Duration,
    stride: Duration,
    time_mapper: Callable[[Any], Any],
    pipeline: Pipeline | None = None,
    lateness: Duration = NONE,
    on_late: Pipeline | None = None,
) -> Transform:
    """Run `pipeline` on hopping windows in event time: one begins every `stride`, counted from 1970 in UTC.

    ```
    --1s--4s--7s--12s--|
      roll_time(window=5s, stride=5s, time, [ops.count(reduce=True)])
    ----------2---1----1|
    ```

    A window contains the items from its start to before its end, in any order. It completes with the first item
    whose time is `lateness` or more after its end. Only items advance time, and one far in the future closes all
    windows before it. Windows without items are not emitted. (Akidau et al., "The Dataflow Model", VLDB 2015.) If the
    pipeline ends in a mergeable reduction, an item updates one pane and a window merges its panes, as in `roll`. A
    result that depends on the order of the items, such as `last`, takes panes by time, and items within a pane in the
    order in which they came.

    Args:
        window: the length of a window, in whole milliseconds: a timedelta, or text such as `6h` or `500ms`.
        stride: the time from one window's start to the next one's; if larger than `window`, items between are dropped.
        time_mapper: the event time of an item: a datetime (UTC if it has no zone) or integer milliseconds.
        pipeline: the pipeline for each window's items; it completes with the window.
        lateness: how long a window stays open for items that come out of order.
        on_late: the pipeline for items whose windows are all closed: `[ops.map(Late)]` emits them, marked, with the
            results of the windows. By default they are counted and dropped.

    *Emits* what the windows emit, oldest first, and what `on_late` emits, at once. When a finite stream completes,
    so do its open windows. *State* the latest time, the number of late items, and one state of the pipeline for each
    pane or open window. *Raises* what `time_mapper` raises, and `TypeError` for what is not a time.

    Raises:
        PipelineError: a duration is not a whole number of milliseconds, or too short.

    >>> import rx, makiserve.stream as rs
    >>> windows = rs.data.roll_time("5s", "5s", lambda i: i * 1000, [rs.ops.count(reduce=True)])
    >>> rx.from_([1, 4, 7, 12]).pipe(windows).subscribe(print).dispose()
    2
    1
    1
    """
    spans = Spans(
        ms_from_duration(window, "roll_time: window"),
        ms_from_duration(stride, "roll_time: stride"),
        ms_from_duration(lateness, "roll_time: lateness", least=0),
    )
    return operator(RollTime(*spans, time_mapper, trace(pipeline), None if on_late is None else trace(on_late)))


@dataclass(frozen=True, eq=False)
class RollTime(Operator):
    """The node of `roll_time`."""

    name: ClassVar[str] = "roll_time"
    fans_out: ClassVar[bool] = True  # windows complete, then the item is pushed into others
    window_ms: int
    stride_ms: int
    lateness_ms: int
    time_mapper: Callable[[Any], Any]
    pipeline: Plan
    on_late: Plan | None

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline
        if self.on_late is not None:
            yield "on_late", self.on_late

    def build(self, then: Stage, scope: Scope) -> Part:
        spans = Spans(self.window_ms, self.stride_ms, self.lateness_ms)
        windows = (HoppingPanes if self.pipeline.mergeable else HoppingWindows)(self.pipeline, spans, then, scope)
        newest, late = scope.value(None), scope.value(0)
        scope.writes_late(then)
        late_stage = self.on_late and build(self.on_late, then._replace(complete=write_nothing), scope)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            given, time = write_time(code, self.time_mapper, item)
            before = code.let("before", f"{time} if {state}[{newest}] is None else {state}[{newest}]")
            now = code.let("now", f"{time} if {time} > {before} else {before}")
            closed = code.let("closed", spans.closed(now))
            with code.block(f"if {closed} > {spans.closed(before)}:"):
                windows.write_close(code, f"{spans.closed(before)} + 1", closed)
            with code.block(f"if {time} // {spans.stride} > {closed}:"):
                windows.write_push(code, item, given, time, closed)
            with code.block(f"elif {spans.has_window(time)}:" if spans.has_gaps else "else:"):
                if late_stage:
                    late_stage.call(code, item)
                code.line(f"{state}[{late}] += 1")
            code.line(f"{state}[{newest}] = {now}")

        def complete(code: Code) -> None:
            state = code.state(scope)
            with code.block(f"if {state}[{newest}] is not None:"):
                windows.write_close(code, f"{spans.closed(f'{state}[{newest}]')} + 1", None)
            if late_stage:
                late_stage.complete(code)
            then.complete(code)

        return Part(push, complete)
