"""`data.roll_time`: windows of a span of event time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from makiserve.stream.data.hopping import Spans
from makiserve.stream.data.time_windows import TimeWindows
from makiserve.stream.engine.plan import Plan
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
    window_ms, stride_ms = ms_from_duration(window, "roll_time: window"), ms_from_duration(stride, "roll_time: stride")
    lateness_ms = ms_from_duration(lateness, "roll_time: lateness", least=0)
    late = None if on_late is None else trace(on_late)
    return operator(RollTime(window_ms, stride_ms, lateness_ms, time_mapper, trace(pipeline), late))


@dataclass(frozen=True, eq=False)
class RollTime(TimeWindows):
    """The node of `roll_time`."""

    name: ClassVar[str] = "roll_time"
    window_ms: int
    stride_ms: int
    lateness_ms: int
    time_mapper: Callable[[Any], Any]
    pipeline: Plan
    on_late: Plan | None

    @property
    def spans(self) -> Spans:
        return Spans(self.window_ms, self.stride_ms, self.lateness_ms)
