"""`data.time_split`: sessions in event time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.data.part import OpenPart
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace
from makiserve.stream.event_time import MILLISECOND, Duration, duration_from, with_zone


def time_split(
    time_mapper: Callable[[Any], Any],
    active_timeout: Duration | float | None = None,
    inactive_timeout: Duration | float | None = None,
    closing_mapper: Callable[[Any], Any] | None = None,
    include_closing_item: bool = True,
    pipeline: Pipeline | None = None,
) -> Transform:
    """Run `pipeline` on sessions, which end at an item's time or at a closing item.

    ```
    --1--2--3--------9--10--|
      time_split(time, inactive_timeout=5, pipeline=[ops.count(reduce=True)])
    -----------------3------2|
    ```

    Only items advance time: a session stays open while no items come. A late item belongs to the open session and does
    not turn its time back (in RxSci it does, so that the next item in order may end the session).

    Args:
        time_mapper: the event time of an item: a datetime (UTC if it has no zone), or anything else that can be
            compared and added to a timeout.
        active_timeout: a session ends with the item that comes this long, or longer, after its first: a timedelta, a
            text such as `30min`, or a number in the unit of `time_mapper`. If timeouts are durations, times that are
            integers are milliseconds.
        inactive_timeout: a session ends with the item that comes this long, or longer, after the latest.
        closing_mapper: a session ends with an item for which this is true. It is called only if no timeout has ended
            the session; any true value counts (in RxSci only `True` itself).
        include_closing_item: whether that item is the last of its session, or the first of the next one. The next one
            begins at once: if nothing follows, or only after a timeout, it is a session without items.
        pipeline: the pipeline for each session's items; it completes when the session ends.

    *Emits* what the sessions emit. When a finite stream completes, so does its last session. *State* two times, and one
    state of the pipeline. *Raises* what `time_mapper`, `closing_mapper` and the comparison of two times raise. If the
    comparison raises for two items in a row, both fail, and the open session is dropped without output.

    Raises:
        PipelineError: no pipeline is given, or a timeout is negative or a boolean.

    >>> import rx, makiserve.stream as rs
    >>> sessions = rs.data.time_split(lambda i: i, inactive_timeout=5, pipeline=[rs.ops.count(reduce=True)])
    >>> rx.from_([1, 2, 3, 9, 10]).pipe(sessions).subscribe(print).dispose()
    3
    2
    """
    if pipeline is None:
        raise PipelineError("time_split: give the pipeline for the items of a session")
    active, inactive = (
        _timeout(given, f"time_split: {name}")
        for name, given in (("active_timeout", active_timeout), ("inactive_timeout", inactive_timeout))
    )
    timeouts = Timeouts(time_mapper, active, inactive, closing_mapper, include_closing_item)
    return operator(TimeSplit(time_mapper, closing_mapper, timeouts, trace(pipeline)))


_NUMBER = (int, float)


def _timeout(given: Any, what: str) -> Any:
    timeout = duration_from(given, what) if isinstance(given, str) else given
    is_negative = (
        timeout < timedelta(0) if isinstance(timeout, timedelta) else isinstance(timeout, _NUMBER) and timeout < 0
    )
    if isinstance(timeout, bool) or is_negative:
        raise PipelineError(f"{what} must be a duration, or a number in the unit of time_mapper, not {given!r:.80}")
    return timeout


Times = tuple[Any, Any]
"""The first and the latest time of a session."""


@dataclass(frozen=True)
class Timeouts:
    """The rule for the end of a session."""

    time_mapper: Callable[[Any], Any]
    active: Any
    inactive: Any
    closing_mapper: Callable[[Any], Any] | None
    include_closing_item: bool

    def time(self, item: Any) -> Any:
        """Return the time of an item.

        Raises:
            TypeError: it has none.
            ValueError: it is NaN or NaT, which no session would ever end after.
        """
        time = self.time_mapper(item)
        if time is None:
            raise TypeError("an item has no time")
        if time != time:
            raise ValueError(f"the time of an item is missing: it is {time}")
        return with_zone(time)

    def expires(self, time: Any, times: Times | None) -> bool:
        """Return whether a session has ended before a time, which may not be comparable with its times."""
        start, latest = times or (time, time)
        if self.active is not None and time >= start + _span(self.active, time):
            return True
        return self.inactive is not None and bool(time >= latest + _span(self.inactive, time))

    def step(self, item: Any, time: Any, times: Times | None, expires: bool) -> tuple[Times, Times, bool, bool]:
        """Return what an item does to a session, given whether the session has ended before its time.

        Returns:
            The times of the session that is open after the item, and those of the session that has the item; whether
            the session ends before the item; and whether it ends after it.
        """
        start, latest = times or (time, time)
        if expires:
            return (time, time), (time, time), True, False
        extended = start, time if time > latest else latest
        if self.closing_mapper and self.closing_mapper(item):
            includes = self.include_closing_item
            return (time, time), extended if includes else (time, time), not includes, includes
        return extended, extended, False, False


def _span(timeout: Any, time: Any) -> Any:
    """Return a timeout in the unit of a time: milliseconds if that is an integer."""
    return timeout // MILLISECOND if isinstance(timeout, timedelta) and isinstance(time, int) else timeout


@dataclass(frozen=True, eq=False)
class TimeSplit(Operator):
    """The node of `time_split`."""

    name: ClassVar[str] = "time_split"
    fans_out: ClassVar[bool] = True  # a session completes, then the item goes into the next
    time_mapper: Callable[[Any], Any]
    closing_mapper: Callable[[Any], Any] | None
    timeouts: Timeouts
    pipeline: Plan

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline

    def build(self, then: Stage, scope: Scope) -> Part:
        # an item may complete its session, which can fail after the item has been written
        slot = scope.value(None)
        session = OpenPart(self.pipeline, then._replace(repeats=True), scope, slot, is_window=True)
        held = HeldItems(scope, slot, self.name, session.drop)
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{slot}]"
            times, bounds, before, after = (code.name(hint) for hint in ("times", "bounds", "before", "after"))
            time = code.let("time", f"{code.constant(self.timeouts.time, 'time')}({item})")
            with held.given(code, code.state(scope)):
                code.line(f"{before} = {code.constant(self.timeouts.expires, 'expires')}({time}, {place})")
            step = f"{code.constant(self.timeouts.step, 'step')}({item}, {time}, {place}, {before})"
            code.line(f"{times}, {bounds}, {before}, {after} = {step}")
            opened = session.write_open(code, bounds)
            with code.block(f"if {before}:"):
                session.write_next(code, opened, bounds)
            with code.settled():
                session.write_push(code, opened, item, bounds)
            with code.block(f"if {after}:"):
                session.write_next(code, opened, times)
            code.line(f"{place} = {times}")
            code.line(f"{code.state(scope)}[{held.slot}] = 0")

        def complete(code: Code) -> None:
            session.write_end(code)
            then.complete(code)

        return Part(push, complete)
