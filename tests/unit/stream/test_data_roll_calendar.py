"""`data.roll_calendar`: days, weeks, months and years of a time zone, as pandas counts them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.calendars import Calendar
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.unit.stream.feed import emitted

UTC = timezone.utc
PARIS = ZoneInfo("Europe/Paris")
ZONES = ["UTC", "Europe/Paris", "America/St_Johns", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia"]
PERIODS = {"day": "D", "week": "W-SUN", "month": "M", "year": "Y"}
TIMES = st.datetimes(datetime(1995, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001  in UTC
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)
COUNT = rs.ops.count(reduce=True)


def bounded(inner: Any) -> Any:
    return rs.ops.tee_map(rs.data.window_start(), rs.data.window_end(), inner)


@examples(80)
@given(times=st.lists(TIMES, max_size=20).map(sorted), unit=st.sampled_from(list(PERIODS)), inner=st.booleans())
def test_items_are_counted_by_the_periods_of_pandas(times: list[datetime], unit: Any, inner: bool) -> None:
    count = COUNT if inner else rs.ops.scan(lambda total, _: total + 1, 0, reduce=True)
    ours = emitted(rs.data.roll_calendar(unit, lambda i: i, bounded(count), zone="Europe/Paris"), times)
    local = pd.Series([time.astimezone(PARIS).replace(tzinfo=None) for time in times], dtype="datetime64[us]")
    theirs: Any = local.groupby(local.dt.to_period(PERIODS[unit])).size()
    expected = [
        (period.start_time.to_pydatetime(), (period + 1).start_time.to_pydatetime(), size)
        for period, size in theirs.items()
    ]
    assert [(start.replace(tzinfo=None), end.replace(tzinfo=None), size) for start, end, size in ours] == expected


@examples(200)
@given(time=TIMES, hours=st.integers(-72, 72), zone=st.sampled_from(ZONES), unit=st.sampled_from(list(PERIODS)))
def test_spans_follow_one_another_without_gaps(time: datetime, hours: int, zone: str, unit: Any) -> None:
    calendar = Calendar(unit, ZoneInfo(zone))
    first, second = (round(when.timestamp()) * 1000 for when in (time, time + timedelta(hours=hours)))
    for time_ms in (first, second, first):
        number = calendar.number(time_ms)
        assert number == Calendar(unit, ZoneInfo(zone)).number(time_ms)
        assert calendar.start_ms(number) <= time_ms < calendar.start_ms(number + 1)
    assert calendar.number(min(first, second)) <= calendar.number(max(first, second))


def test_days_are_shorter_and_longer_where_the_clocks_change() -> None:
    quarters = [datetime(2026, 3, 27, 23, tzinfo=UTC) + timedelta(minutes=15 * index) for index in range(24 * 4 * 3)]
    assert emitted(rs.data.roll_calendar("day", lambda i: i, [COUNT], zone="Europe/Paris"), quarters) == [
        96,
        92,
        96,
        4,
    ]
    quarters = [datetime(2026, 10, 23, 22, tzinfo=UTC) + timedelta(minutes=15 * index) for index in range(24 * 4 * 3)]
    assert emitted(rs.data.roll_calendar("day", lambda i: i, [COUNT], zone="Europe/Paris"), quarters) == [96, 100, 92]


def test_day_whose_date_comes_back_is_one_window() -> None:
    """In Newfoundland the clocks went from 0:01 back to 23:01 of the day before."""
    start = datetime(2010, 11, 7, 2, 29, 30, tzinfo=UTC)
    times = [start + timedelta(minutes=minutes) for minutes in (0, 1, 2, 30, 60, 62)]
    days = rs.data.roll_calendar("day", lambda i: i, [rs.ops.count(reduce=True)], zone="America/St_Johns")
    assert emitted(days, times) == [1, 5]


def test_lateness_keeps_a_day_open_and_late_items_are_routed() -> None:
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in (1, 25, 2, 27, 3)]
    late: dict[str, Any] = {"lateness": "3h", "on_late": [rs.ops.map(lambda i: ("late", i.hour))]}
    daily = rs.data.roll_calendar("day", lambda i: i, [COUNT], zone="UTC", **late)
    assert emitted(daily, hours) == [2, ("late", 3), 2]


def test_bounds_are_in_the_zone_or_in_milliseconds() -> None:
    time = datetime(2026, 7, 14, 12, tzinfo=UTC)
    bounds = rs.ops.tee_map(rs.data.window_start(), rs.data.window_end())
    ((start, end),) = emitted(rs.data.roll_calendar("month", lambda i: i, bounds, zone="Europe/Paris"), [time])
    assert (start.isoformat(), end.isoformat()) == ("2026-07-01T00:00:00+02:00", "2026-08-01T00:00:00+02:00")
    days = rs.data.roll_calendar("day", lambda i: i, bounds, zone="UTC")
    assert emitted(days, [86_400_001]) == [(86_400_000, 2 * 86_400_000)]


def test_time_beyond_the_calendar_fails_its_record_only() -> None:
    program = Program(trace(rs.data.roll_calendar("day", lambda i: i, [COUNT], zone="UTC")))
    fed = program.feed([1, 10**17, 86_400_001], program.new_state())
    assert fed.outputs == [1]
    assert [index for index, _ in fed.failures] == [1]


@pytest.mark.parametrize(
    ("unit", "zone", "words"),
    [
        ("hour", "UTC", "unit must be one of day, week, month, year"),
        ("day", "Europe/Atlantis", "zone must be the name of a time zone"),
        ("day", "", "zone must be"),
        ("day", "../etc/passwd", "zone must be"),
        ("day", None, "zone must be"),
    ],
)
def test_unknown_unit_or_zone_is_refused(unit: Any, zone: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=f"^roll_calendar: {words}"):
        rs.data.roll_calendar(unit, lambda i: i, [COUNT], zone=zone)
