"""`data.roll_calendar`: windows of a day, week, month or year in a time zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from makiserve.stream.calendars import Calendar, Unit, calendar_from
from makiserve.stream.data.hopping import Spans
from makiserve.stream.data.time_windows import TimeWindows
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace
from makiserve.stream.event_time import Duration, ms_from_duration

NONE = timedelta(0)


def roll_calendar(
    unit: Unit,
    time_mapper: Callable[[Any], Any],
    pipeline: Pipeline | None = None,
    *,
    zone: str,
    lateness: Duration = NONE,
    on_late: Pipeline | None = None,
) -> Transform:
    """Run `pipeline` on each day, week, month or year of a time zone.

    ```
    --Mon 9:00--Mon 23:00--Tue 8:00--|
      roll_calendar("day", time, [ops.count(reduce=True)], zone="Europe/Paris")
    -----------------------2---------1|
    ```

    Windows begin at midnight in the zone, weeks on Monday. A day is 23 or 25 hours long where the clocks change. A
    window completes as in `roll_time`: with the first item whose time is `lateness` or more after its end. Windows
    without items are not emitted.

    Args:
        unit: `day`, `week`, `month` or `year`.
        time_mapper: the event time of an item: a datetime (UTC if it has no zone) or integer milliseconds.
        pipeline: the pipeline for each window's items; it completes with the window.
        zone: the name of the time zone in the IANA database, such as `Europe/Paris` or `UTC`.
        lateness: how long a window stays open for items that come out of order.
        on_late: the pipeline for items whose window is closed: `[ops.map(Late)]` emits them, marked, with the results
            of the windows. By default they are counted and dropped.

    *Emits* what the windows emit, oldest first, and what `on_late` emits, at once. When a finite stream completes,
    so do its open windows. *State* the latest time, the number of late items, and one state of the pipeline for each
    open window. *Raises* what `time_mapper` raises, `TypeError` for what is not a time, and `ValueError` or
    `OverflowError` if its window is not within the years 1 to 9999.

    Raises:
        PipelineError: the unit or the zone is unknown, or lateness is not a whole number of milliseconds.

    >>> import rx, makiserve.stream as rs
    >>> from datetime import datetime, timezone
    >>> times = [datetime(2026, 3, 28, hour, tzinfo=timezone.utc) for hour in (9, 22, 23)]
    >>> daily = rs.data.roll_calendar("day", lambda i: i, [rs.ops.count(reduce=True)], zone="Europe/Paris")
    >>> rx.from_(times).pipe(daily).subscribe(print).dispose()
    2
    1
    """
    calendar_from(unit, zone, "roll_calendar")
    lateness_ms = ms_from_duration(lateness, "roll_calendar: lateness", least=0)
    late = None if on_late is None else trace(on_late)
    return operator(RollCalendar(unit, zone, lateness_ms, time_mapper, trace(pipeline), late))


@dataclass(frozen=True, eq=False)
class RollCalendar(TimeWindows):
    """The node of `roll_calendar`."""

    name: ClassVar[str] = "roll_calendar"
    unit: Unit
    zone: str
    lateness_ms: int
    time_mapper: Callable[[Any], Any]
    pipeline: Plan
    on_late: Plan | None

    @property
    def spans(self) -> Spans:
        return CalendarSpans(1, 1, self.lateness_ms, calendar_from(self.unit, self.zone, self.name))


@dataclass(frozen=True)
class CalendarSpans(Spans):
    """Windows of a calendar. Positions are the numbers of its spans, so that each window has the length 1."""

    calendar: Calendar

    def position(self, code: Code, time: str) -> str:
        return code.let("position", self._number(code, time))

    def closed(self, code: Code, now: str) -> str:
        return f"{self._number(code, f'{now} - {self.lateness}')} - 1"

    def bounds(self, code: Code, number: str, like: str) -> str:
        return f"{code.constant(self.calendar.bounds_like, 'bounds')}({number}, {like})"

    def _number(self, code: Code, time: str) -> str:
        return f"{code.constant(self.calendar.number, 'number')}({time})"
