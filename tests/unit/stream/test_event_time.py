"""One rule for event times: without a zone they are UTC."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.event_time import ms_from_time, with_zone
from tests.loops import loop_over

UTC = timezone.utc
TOKYO = timezone(timedelta(hours=9))
NAIVE = datetime(2024, 1, 1, 1, 30)  # noqa: DTZ001  without a zone
COUNTING = [rs.ops.count(reduce=True)]
MIXED = [datetime(2024, 1, 1, 0, 30, tzinfo=UTC), NAIVE, datetime(2024, 1, 1, 11, 0, tzinfo=TOKYO)]


@loop_over(
    ("time", "ms"),
    [
        (NAIVE, 1704072600000),
        (NAIVE.replace(tzinfo=UTC), 1704072600000),
        (NAIVE.replace(tzinfo=TOKYO), 1704072600000 - 9 * 3_600_000),
        (5, 5),
        (datetime.min.replace(tzinfo=TOKYO), -62135596800000 - 9 * 3_600_000),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))), 253402300799999 + 9 * 3_600_000),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999), -1),  # noqa: DTZ001  without a zone
    ],
)
def test_a_time_is_milliseconds_since_1970_in_utc(time: object, ms: int) -> None:
    assert ms_from_time(time) == ms


def test_a_time_with_a_zone_and_a_number_stay_as_they_are() -> None:
    assert with_zone(MIXED[2]) is MIXED[2]
    assert with_zone(5) == 5


@pytest.mark.parametrize("time", [1.5, "2024-01-01", None, timedelta(1)])
def test_value_that_is_not_a_time_is_refused(time: object) -> None:
    with pytest.raises(TypeError, match="an event time must be a datetime or an integer of milliseconds"):
        ms_from_time(time)


def emitted(operator: object) -> list[object]:
    outputs: list[object] = []
    rx.from_(MIXED).pipe(operator).subscribe(outputs.append).dispose()
    return outputs


def test_operators_in_event_time_take_mixed_zones() -> None:
    hour, counting = timedelta(hours=1), [rs.ops.count(reduce=True)]
    assert emitted(rs.data.roll_time(hour, hour, lambda i: i, counting)) == [1, 1, 1]
    assert emitted(rs.data.time_split(lambda i: i, inactive_timeout=hour, pipeline=counting)) == [1, 2]
    assert emitted(rs.data.time_split(lambda i: i, active_timeout=timedelta(hours=9), pipeline=counting)) == [3]
    assert emitted(rs.math.rate(lambda i: i, per=hour, reduce=True)) == [pytest.approx(2 / 1.5)]


@loop_over("time", [pd.NaT, math.nan], ids=repr)
def test_missing_time_fails_its_record_alone(time: Any) -> None:
    """A session would never end after it, and a group with a ttl ended the program in columns."""
    times = [1, time, 2, 50] if time is not pd.NaT else [NAIVE, time, NAIVE, NAIVE + timedelta(hours=1)]
    pipelines = {
        "time_split": rs.data.time_split(lambda i: i, inactive_timeout=timedelta(milliseconds=10), pipeline=COUNTING),
        "group_by": rs.ops.group_by(lambda i: 0, [rs.ops.count()], "10ms", lambda i: i),
        "roll_time": rs.data.roll_time("10ms", "10ms", lambda i: i, COUNTING),
        "as_of": rs.data.as_of(lambda i: i, lambda i: i),
    }
    for name, pipeline in pipelines.items():
        plan = trace(pipeline)
        programs: list[Any] = [program_for(plan), Program(plan)]
        for program in programs:
            fed = program.feed(times, program.new_state())
            assert [at for at, _ in fed.failures] == [1], name
    plan = trace(pipelines["time_split"])
    rows = Program(plan)
    assert list(rows.feed(times, rows.new_state()).outputs) == [2]
