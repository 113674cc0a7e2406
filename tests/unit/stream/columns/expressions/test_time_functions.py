"""Functions of times, dates and durations: computed in columns, they return and raise what Python does."""

import datetime as dates
import math
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from makiserve.records.times import EARLIEST_US, LATEST_US, TimeValues
from makiserve.stream.columns.column import Rows, column_of
from makiserve.stream.columns.expressions import column_function
from makiserve.stream.columns.expressions.column_function import FEWEST
from makiserve.stream.columns.time_column import TimeColumn
from tests.loops import loop_over
from tests.unit.stream.columns.expressions.expected import assert_as_python

PARIS = ZoneInfo("Europe/Paris")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
OPENING = datetime(2020, 2, 29, 12, tzinfo=timezone.utc)
SAME_INSTANT = datetime(2020, 2, 29, 13, tzinfo=timezone(timedelta(hours=1)))
LOCAL = datetime(2020, 2, 29, 12)  # noqa: DTZ001  a time without a zone
MICROSECOND, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)


class Trip(NamedTuple):
    start: datetime | None
    end: datetime
    year: int = 2013
    month: int = 2
    day: int | None = 3
    minutes: float = 1.5


def us(*parts: int) -> int:
    return (datetime(*parts, tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)  # type: ignore[arg-type,misc]


ROUNDED_TWICE = 30_697_630_318_846_323
"""As a float, divided by a million, it is not the quotient of the integers."""
STARTS = [
    *(EARLIEST_US, EARLIEST_US + 1, LATEST_US, LATEST_US - 3_600_000_000, -1, 0, 1, None),
    *(us(2020, 2, 29, 12), us(2020, 3, 1), us(1900, 2, 28, 23, 59, 59, 999_999), us(2021, 1, 3), us(2020, 12, 31)),
]
ENDS = [
    *(us(2020, 2, 29, 12), LATEST_US, EARLIEST_US, us(2024, 12, 30, 1, 2, 3, 4), -86_400_000_001, ROUNDED_TWICE),
    *range(7),
]
YEARS = [2013, 0, 1, 9999, 10_000, 2000, 1900, 2023, -(2**63), 2**63 - 1, 2024, 4, 2100]
MONTHS = [2, 1, 12, 12, 1, 2, 2, 13, 0, 2, -1, 11, 2]
DAYS = [30, 1, 31, 31, 1, 29, 29, 1, 1, 1, 1, None, 28]
MINUTES = [1.5, 0.0, 1e300, math.nan, math.inf, -0.5, 2.0**53, 1e-9, 3.0, 4.0, 5.0, 6.0, 7.0]


def trips(*, is_utc: bool, missing: bool = True) -> Rows:
    """Trips as columns, with their times as microseconds."""
    absent = np.array([start is None for start in STARTS], np.bool_)
    starts = TimeValues(
        np.array([start or 0 for start in STARTS], np.int64), is_utc=is_utc, absent=absent if missing else None
    )
    years, months, days, minutes = (column_of(numbers) for numbers in (YEARS, MONTHS, DAYS, MINUTES))
    days.values[days.missing] = 5  # what is None may have any value
    ends = TimeValues(np.array(ENDS, np.int64), is_utc=is_utc)
    return Rows(Trip, Trip._fields, (TimeColumn(starts), TimeColumn(ends), years, months, days, minutes))


def is_weekend(at: datetime) -> bool:
    return at.weekday() >= 5


def minute_of_day(i: Trip) -> int | None:
    if i.start is None:
        return None
    return i.start.hour * 60 + i.start.minute


IN_COLUMNS: dict[str, Any] = {
    "parts of the day": lambda i: (i.start.hour, i.start.minute, i.start.second, i.start.microsecond),
    "parts of the date": lambda i: (i.start.year, i.start.month, i.start.day),
    "the day of the week": lambda i: (i.start.weekday(), i.start.isoweekday(), i.end.isocalendar()[1]),
    "the week": lambda i: (i.end.isocalendar().week, i.start.isocalendar().year, i.start.isocalendar().weekday),
    "the calendar date": lambda i: i.start.isocalendar(),
    "days": lambda i: (i.start.toordinal(), i.start.date(), i.start.date().toordinal(), i.end.date().weekday()),
    "parts of a date": lambda i: (i.end.date().year, i.end.date().month, i.end.date().day, i.end.date().isoweekday()),
    "a timestamp": lambda i: i.start.timestamp(),
    "a helper": lambda i: is_weekend(i.end) or i.end.hour < 6,
    "a guard against None": minute_of_day,
    "part of a result that is None": lambda i: i.start.date() if i.start is not None else None,
    "an hour in columns or None": lambda i: i.start.hour if i.start else i.end,
    "a difference": lambda i: (i.end - i.start, i.start - i.end),
    "seconds": lambda i: ((i.end - i.start).total_seconds(), (i.end - i.start) / HOUR, (i.end - i.start) // HOUR),
    "parts of a duration": lambda i: (
        (i.end - i.start).days,
        (i.end - i.start).seconds,
        (i.end - i.start).microseconds,
    ),
    "a duration": lambda i: -(i.end - i.start) + 2 * (i.end - i.start) - abs(i.end - i.start) // 3,
    "a remainder": lambda i: ((i.end - i.start) % HOUR, divmod(i.start - i.end, HOUR), bool(i.end - i.start)),
    "a quotient of durations": lambda i: (i.end - i.start) / (i.start - i.end) + (i.end - i.start) % (i.end - i.start),
    "a duration and a float": lambda i: (i.end - i.start) * i.minutes,
    "a duration of floats": lambda i: timedelta(minutes=i.minutes) * 2,
    "a duration of integers": lambda i: (timedelta(i.day, minutes=i.month), timedelta(hours=i.year)),
    "a duration of all units": lambda i: timedelta(i.month, i.day, 3, i.month, i.day, i.month, i.day),
    "the longest duration": lambda i: timedelta(microseconds=i.year),
    "a long duration": lambda i: (timedelta(microseconds=i.year) * 2, timedelta(microseconds=i.year) - HOUR),
    "the difference from a constant": lambda i: (i.end - OPENING, OPENING - i.end, i.end - SAME_INSTANT),
    "a later time": lambda i: (i.start + HOUR, HOUR + i.end, i.end - timedelta(days=365, microseconds=1)),
    "a microsecond": lambda i: (i.start + MICROSECOND).microsecond if i.year % 2 else i.start - MICROSECOND,
    "a day": lambda i: (i.start.date() + DAY, i.start.date() - DAY) if i.start else i.end.date() + DAY,
    "truth": lambda i: (bool(i.start), bool(i.end), bool(i.end.date()), bool(i.end - OPENING)),
    "a much later time": lambda i: i.end + timedelta(days=3_652_058),
    "a time that is too late": lambda i: i.end + timedelta.max,
    "another time": lambda i: i.start + (i.end - i.start) / 1 if i.minutes > 1 else i.end + (i.end - i.start),
    "times": lambda i: (i.start < i.end, i.start == i.end, i.start != i.end, i.end <= i.start, i.start >= i.end),
    "times and constants": lambda i: (i.end > OPENING, i.start == OPENING, i.start != SAME_INSTANT),
    "times of another zone": lambda i: (i.end < SAME_INSTANT, i.end >= SAME_INSTANT.astimezone(PARIS)),
    "times without a zone": lambda i: i.start > LOCAL,
    "equal times without a zone": lambda i: (i.start == LOCAL, i.start != LOCAL, i.start == i.year, i.end != "a"),
    "the distance of times without a zone": lambda i: i.start - LOCAL,
    "equal times that are None": lambda i: (i.start == None, i.start != None, i.start is None),  # noqa: E711
    "the later": lambda i: max(i.end, OPENING) if i.end.tzinfo else min(i.end, LOCAL),
    "a range of times": lambda i: OPENING <= i.end < OPENING + timedelta(days=i.month),
    "dates": lambda i: (i.end.date() > date(2020, 1, 31), i.end.date() - date(2020, 1, 1), i.end.date() == i.end),
    "dates and durations": lambda i: (i.end.date() + timedelta(days=1, hours=25), i.end.date() - 25 * HOUR),
    "dates and other durations": lambda i: i.end.date() - (i.end - i.start) if i.end.date() else None,
    "a date": lambda i: date(i.year, i.month, i.day),
    "a date by name": lambda i: dates.date(day=i.day, year=i.year, month=i.month).toordinal() * 1440,
    "the first day of a month": lambda i: (i.end.date() - date(i.end.year, i.end.month, 1)).days,
    "the first day of a year": lambda i: date(i.year, True, 1) - i.start.date(),
    "a date of a float": lambda i: date(i.year, i.month, i.minutes),
    "a time of numbers": lambda i: datetime(i.year, i.month, i.day, minute=i.month, tzinfo=timezone.utc) - i.end,
    "a time of day": lambda i: (i.end.time(), time(i.month, i.day) < i.end.time(), i.end.time().hour),
    "a timestamp as a time": lambda i: datetime.fromtimestamp(i.minutes, timezone.utc).hour,
    "midnight": lambda i: i.end - i.end.replace(hour=0, minute=0, second=0, microsecond=0),
    "another zone": lambda i: (i.end.astimezone(PARIS).hour, i.end.astimezone(SAME_INSTANT.tzinfo)),
    "text": lambda i: (i.start.isoformat(), i.end.strftime("%H:%M"), str(i.end)),
    "classes": lambda i: (isinstance(i.start, datetime), isinstance(i.start, date), isinstance(i.end, float)),
    "constants": lambda i: (date.min, timedelta.max, dates.timezone.utc, HOUR, i.end.date() > dates.date.max),
    "fields that are replaced": lambda i: i._replace(start=None).start is None and i._replace(start=OPENING).start,
    "sets": lambda i: i.end.weekday() in {5, 6} or i.end.month in (6, 7, 8),
    "a time as a number": lambda i: i.start + 1,
    "an attribute that does not exist": lambda i: i.end.hours,
    "a method that does not exist": lambda i: (i.end - i.start).hour(),
    "arguments that a method does not take": lambda i: i.start.weekday(1),
    "a duration that is inverted": lambda i: ~(i.end - i.start),
}


@pytest.mark.parametrize("is_utc", [True, False])
@loop_over("name", IN_COLUMNS)
def test_a_function_of_times_gives_the_results_of_python(name, is_utc):
    function = IN_COLUMNS[name]
    for rows in (trips(is_utc=is_utc), trips(is_utc=is_utc, missing=False)):
        assert_as_python(function, rows)
        objects = column_of(rows.items())
        assert_as_python(function, objects)


@loop_over("name", IN_COLUMNS.keys() - {"a method that does not exist"})
def test_a_function_of_times_is_traced(name):
    assert column_function(IN_COLUMNS[name]).reason is None


OPAQUE: dict[str, Any] = {
    "it calls datetime.now": lambda i: datetime.now(timezone.utc) - i.start,
    "it calls datetime.utcnow": lambda i: dates.datetime.utcnow(),  # noqa: DTZ003
    "it calls date.today": lambda i: date.today() == i.start,  # noqa: DTZ011
    "it calls datetime.fromtimestamp": lambda i: datetime.fromtimestamp(i.minutes),  # noqa: DTZ006
    "it calls date.fromtimestamp": lambda i: date.fromtimestamp(i.minutes),  # noqa: DTZ012
    "it calls a method of a value": lambda i: i.name.replace("a", "b"),
    "it calls date with other arguments": lambda i: date(i.year, i.month),  # type: ignore[call-arg]
}


@loop_over(("reason", "function"), OPAQUE.items(), ids=OPAQUE)
def test_a_function_that_reads_the_clock_is_called_for_each_item(reason, function):
    assert column_function(function).reason == reason


class Unread(TimeValues):
    """Times whose objects cannot be made."""

    @property
    def values(self):
        raise AssertionError("objects were made")


@loop_over(
    ("function", "expected"),
    [
        (lambda i: (i.start.hour, i.start.weekday()), (12, 5)),
        (lambda i: 0 if i.start is None else i.start.month, 2),
        (lambda i: ((i.start + HOUR).hour, (i.start - OPENING).total_seconds() / 60), (13, 0.0)),
        (lambda i: (i.start > OPENING, i.start == OPENING, isinstance(i.start, datetime)), (False, True, True)),
        (lambda i: i.start.timestamp() if i.start else None, OPENING.timestamp()),
        (lambda i: (date(2020, 2, i.start.day) - i.start.date() + HOUR, HOUR + i.start), (HOUR, OPENING + HOUR)),
        (lambda i: (i.start - HOUR < i.start, i.start.tzinfo is None), (True, False)),
    ],
)
def test_no_object_is_made_to_read_a_time(function, expected):
    times = Unread(np.full(FEWEST, us(2020, 2, 29, 12)), is_utc=True)
    rows = Rows(Trip, ("start", "minutes"), (TimeColumn(times), column_of([1.0] * FEWEST)))
    evaluated = column_function(function).evaluate(rows)
    assert evaluated.failed is None
    assert evaluated.items.items() == [expected] * FEWEST


def test_two_constants_that_are_equal_keep_their_zones():
    items = column_of([1] * FEWEST)
    evaluated = column_function(lambda i: (OPENING, SAME_INSTANT)).evaluate(items)
    assert [str(item) for item in evaluated.items.items()[0]] == [str(OPENING), str(SAME_INSTANT)]
