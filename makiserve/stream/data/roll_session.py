"""`data.roll_session`: sessions in event time, which late items join and merge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.data.late_items import WindowsWithLateItems
from makiserve.stream.data.sessions import OpenSessions
from makiserve.stream.data.window_bounds import write_time
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace
from makiserve.stream.event_time import Duration, ms_from_duration

NONE = timedelta(0)


def roll_session(
    gap: Duration,
    time_mapper: Callable[[Any], Any],
    pipeline: Pipeline,
    lateness: Duration = NONE,
    on_late: Pipeline | None = None,
) -> Transform:
    """Run `pipeline` on sessions in event time: items that are less than `gap` apart, in whatever order they come.

    ```
    --1s--9s--5s----30s--|
      roll_session(gap=5s, time, [ops.count(reduce=True)], lateness=10s)
    ----------------3----1|
    ```

    A late item joins an open session if it is less than `gap` before or after one of its items. If it closes the gap
    between two open sessions, they merge. Otherwise it begins a session. A session completes with the first item whose
    time is `gap` + `lateness` or more after its latest item. Only items advance time. An item that is less than `gap` +
    `lateness` older than the newest one is never late. (Akidau et al., "The Dataflow Model", VLDB 2015.)

    A session that has completed is final: a late item that is near it begins another session, or is late itself.
    `time_split` has sessions in the order in which items come, for any pipeline.

    Args:
        gap: the pause that ends a session, in whole milliseconds: a timedelta, or text such as `30min`.
        time_mapper: the event time of an item: a datetime (UTC if it has no zone) or integer milliseconds.
        pipeline: the pipeline for each session's items; it completes with the session. It ends in a mergeable
            reduction: `ops.count`, `ops.first`, `ops.last`, `data.head`, `data.tail`, those of `math`, or tee_map of
            such.
        lateness: how much longer a session stays open for items that come out of order.
        on_late: the pipeline for items that can be in no open session, nor begin one: `[ops.map(Late)]` emits them,
            marked, with the results of the sessions. By default they are counted and dropped.

    *Emits* what the sessions emit, oldest first, and what `on_late` emits, at once. When a finite stream completes, so
    do its open sessions. A result that depends on the order of the items, such as `last`, takes merged sessions by
    time, and items within a session in the order in which they came. *State* the latest time, the number of late items,
    and two times and one partial result for each open session. *Raises* what `time_mapper` raises, and `TypeError` for
    what is not a time.

    Raises:
        PipelineError: a duration is not a whole number of milliseconds, or too short; or the pipeline cannot be merged.

    >>> import rx, makiserve.stream as rs
    >>> count = [rs.ops.count(reduce=True)]
    >>> sessions = rs.data.roll_session("5s", lambda i: i * 1000, count, lateness="10s")
    >>> rx.from_([1, 9, 5, 30]).pipe(sessions).subscribe(print).dispose()
    3
    1
    """
    gap_ms = ms_from_duration(gap, "roll_session: gap")
    lateness_ms = ms_from_duration(lateness, "roll_session: lateness", least=0)
    plan, late = trace(pipeline), None if on_late is None else trace(on_late)
    if not plan.mergeable:
        raise PipelineError(
            "roll_session: its pipeline cannot be merged, which is needed when a late item joins two sessions. End it "
            "with a reduction, such as rs.math.sum(reduce=True), or rs.data.tail(n, reduce=True) for the items. If the "
            "items come in the order of time, rs.data.time_split(…, inactive_timeout=…) takes any pipeline"
        )
    return operator(RollSession(gap_ms, lateness_ms, time_mapper, plan, late))


@dataclass(frozen=True, eq=False)
class RollSession(WindowsWithLateItems):
    """The node of `roll_session`."""

    name: ClassVar[str] = "roll_session"
    gap_ms: int
    lateness_ms: int
    time_mapper: Callable[[Any], Any]
    pipeline: Plan
    on_late: Plan | None

    def build(self, then: Stage, scope: Scope) -> Part:
        sessions = OpenSessions(self.pipeline, self.gap_ms, then, scope)
        newest, late = scope.value(None), scope.value(0)
        scope.writes_late(then)
        late_stage = self.build_late(then, scope)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            given, time = write_time(code, self.time_mapper, item)
            is_newest = f"{state}[{newest}] is None or {time} > {state}[{newest}]"
            now = code.let("now", f"{time} if {is_newest} else {state}[{newest}]")
            closed = code.let("closed", f"{now} - {self.gap_ms + self.lateness_ms}")
            sessions.write_close(code, closed)
            at = sessions.write_find(code, time, closed)
            with code.block(f"if {at} is not None:"):
                sessions.write_push(code, item, at, given, time)
            with code.block("else:"):
                if late_stage:
                    late_stage.call(code, item)
                code.line(f"{state}[{late}] += 1")
            code.line(f"{state}[{newest}] = {now}")

        def complete(code: Code) -> None:
            sessions.write_close(code, None)
            if late_stage:
                late_stage.complete(code)
            then.complete(code)

        return Part(push, complete)
