"""`data.roll_trailing`: the window of event time that ends at each item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from makiserve.errors import PipelineError
from makiserve.stream.data.trailing import PrecedingPanes, TrailingItems, TrailingPanes
from makiserve.stream.data.trailing_bounds import Closed, TrailingBounds
from makiserve.stream.engine.plan import EACH, FIRST, LAST, Operator, Plan, Rhythm
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace
from makiserve.stream.event_time import Duration, ms_from_duration


def roll_trailing(
    window: Duration, time_mapper: Callable[[Any], Any], pipeline: Pipeline, *, closed: Closed = "right"
) -> Transform:
    """Run `pipeline`, at each item, on the items of the last `window` of event time.

    ```
    --1s--4s--7s--12s--|
      roll_trailing(window=5s, time, [ops.count(reduce=True)])
    --1---2---2---1----|
    ```

    This is pandas' `rolling("5s")`, and Kafka's sliding window that ends at each record. The window of an item at t
    contains the items after t - window and up to t, the item itself included. Of items with the same time, it contains
    those that came before. `roll_time` has windows that begin at fixed times and are emitted once, at their end.

    `closed` is that of pandas. With "left" or "neither" a window contains neither its item nor any other item of the
    same time, so that it may be empty. It still gives one result, that of the reduction without items: 0 for a count,
    sum, variance or standard deviation, `()` for several items, and None for all others. With `min_periods=1` it is
    None for these, too. `ops.first` and `ops.last` give None. A function after them gets it: read the value before
    them, as in `rx.pipe(ops.map(value), ops.last())`.

    A late item, one that is older than the newest item so far, has its own window, too: the items that are still kept
    and not after it. Kept are the items that the window of another item at the newest time would contain, and those of
    that time. The windows of later items contain the late item, too. An item that is too old to be kept is alone in its
    window, or its window is empty.

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
        closed: which end of the times from t - window to t is in the window: `right` t, with the item; `left`
            t - window; `both`; or `neither`.

    *Emits* what the window emits, one result for most pipelines, at each item. *State* the time and one partial result
    for each item that is kept; other pipelines keep the items. *Raises* what `time_mapper` raises, and `TypeError` for
    what is not a time.

    Raises:
        PipelineError: the duration is not a whole number of milliseconds, the pipeline would emit for each item of
            each window, `closed` is unknown, or no item could ever be in a window.

    >>> import rx, makiserve.stream as rs
    >>> counts = rs.data.roll_trailing("5s", lambda i: i * 1000, [rs.ops.count(reduce=True)])
    >>> rx.from_([1, 4, 7, 12]).pipe(counts).subscribe(print).dispose()
    1
    2
    2
    1
    >>> previous = rs.data.roll_trailing("5s", lambda i: i * 1000, [rs.math.mean(reduce=True)], closed="left")
    >>> rx.from_([1, 4, 7, 12]).pipe(previous).subscribe(print).dispose()
    None
    1.0
    4.0
    7.0
    """
    window_ms, plan = ms_from_duration(window, "roll_trailing: window"), trace(pipeline)
    if closed not in get_args(Closed):
        raise PipelineError(f"roll_trailing: closed must be one of {', '.join(get_args(Closed))}, not {closed!r}")
    bounds = TrailingBounds(window_ms, closed)
    if not bounds.length_ms:
        raise PipelineError(
            'roll_trailing: with closed="neither" a window of 1 ms never contains an item. Choose a longer window, or '
            'closed="left"'
        )
    if plan.rhythm == EACH:
        raise PipelineError(
            "roll_trailing: its pipeline emits for each item of a window, so an item would give as many results as its "
            "window has items. End it with a reduction, such as rs.math.mean(reduce=True) or rs.ops.last()"
        )
    return operator(RollTrailing(bounds, time_mapper, plan))


@dataclass(frozen=True, eq=False)
class RollTrailing(Operator):
    """The node of `roll_trailing`."""

    name: ClassVar[str] = "roll_trailing"
    bounds: TrailingBounds
    time_mapper: Callable[[Any], Any]
    pipeline: Plan

    def parameters(self) -> dict[str, Any]:
        window_ms, closed = self.bounds
        return {"window_ms": window_ms} if closed == "right" else {"window_ms": window_ms, "closed": closed}

    @property
    def fans_out(self) -> bool:
        return self.pipeline.fans_out or not self.pipeline.mergeable

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return before if self.pipeline.rhythm in (FIRST, LAST) else None

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline

    def build(self, then: Stage, scope: Scope) -> Part:
        bounds = self.bounds
        panes = TrailingPanes if bounds.has_item else PrecedingPanes
        windows = panes if self.pipeline.mergeable else TrailingItems
        return Part(windows(self.pipeline, bounds, self.time_mapper, then, scope).write_push, then.complete)
