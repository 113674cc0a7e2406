"""Calendars: the days, weeks, months and years of a time zone, as numbered spans of event time."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from makiserve.errors import PipelineError
from makiserve.stream.event_time import EPOCH, MILLISECOND, ms_from_time

Unit = Literal["day", "week", "month", "year"]
DAYS_A_WEEK = 7


class Calendar:
    """The days, weeks, months or years of a time zone, numbered in order.

    Each begins at midnight in the zone, a week on Monday, and ends when the next one begins. Days are longer or shorter
    if the clocks change. A day with two midnights begins at the first one, a day without one at its first instant.
    """

    def __init__(self, unit: Unit, zone: ZoneInfo) -> None:
        self.unit, self.zone = unit, zone
        self._latest = (0, 0, 0)

    def number(self, time_ms: int) -> int:
        """Return the number of the span that contains a time.

        Raises:
            OverflowError, ValueError: the span is not within the years 1 to 9999.
        """
        start, end, number = self._latest  # most times are in the same span as the one before
        if not start <= time_ms < end:
            number = self._number_of((EPOCH + time_ms * MILLISECOND).astimezone(self.zone).date())
            while time_ms >= self.start_ms(number + 1):  # clocks that are turned back over midnight repeat a date
                number += 1
            self._latest = self.start_ms(number), self.start_ms(number + 1), number
        return number

    def start_ms(self, number: int) -> int:
        """Return when a span begins, in milliseconds since 1970."""
        return ms_from_time(datetime.combine(self._first_day(number), time.min, self.zone))

    def bounds_like(self, number: int, like: Any) -> tuple[Any, Any]:
        """Return start and end of a span, in the form of a time: datetimes in the zone, or milliseconds."""
        bounds = self.start_ms(number), self.start_ms(number + 1)
        if not isinstance(like, datetime):
            return bounds
        start, end = ((EPOCH + bound * MILLISECOND).astimezone(self.zone) for bound in bounds)
        return start, end

    def _number_of(self, day: date) -> int:
        match self.unit:
            case "day":
                return day.toordinal()
            case "week":
                return (day.toordinal() - 1) // DAYS_A_WEEK
            case "month":
                return day.year * 12 + day.month - 1
        return day.year

    def _first_day(self, number: int) -> date:
        match self.unit:
            case "day":
                return date.fromordinal(number)
            case "week":
                return date.fromordinal(number * DAYS_A_WEEK + 1)
            case "month":
                return date(number // 12, number % 12 + 1, 1)
        return date(number, 1, 1)


def calendar_from(unit: Any, zone: Any, what: str) -> Calendar:
    """Return the calendar of a unit and the name of a time zone.

    Raises:
        PipelineError: the unit is not one, or the name is not that of a time zone.
    """
    if unit not in get_args(Unit):
        raise PipelineError(f"{what}: unit must be one of {', '.join(get_args(Unit))}, not {unit!r:.80}")
    try:
        return Calendar(unit, ZoneInfo(zone))
    except (KeyError, ValueError, TypeError, OSError) as error:  # KeyError includes ZoneInfoNotFoundError
        raise PipelineError(
            f"{what}: zone must be the name of a time zone, such as 'Europe/Paris', not {zone!r:.80}. If the name is "
            "right, the system has no time zone database: install the package tzdata"
        ) from error
