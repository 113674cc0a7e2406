"""A duration is a timedelta or text, wherever an operator takes one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.feed import emitted

COUNT = [rs.ops.count(reduce=True)]
TAKERS: dict[str, Callable[[Any], Any]] = {
    "roll_time window": lambda duration: rs.data.roll_time(duration, "1s", int, COUNT),
    "roll_time stride": lambda duration: rs.data.roll_time("1s", duration, int, COUNT),
    "roll_time lateness": lambda duration: rs.data.roll_time("1s", "1s", int, COUNT, lateness=duration),
    "roll_trailing window": lambda duration: rs.data.roll_trailing(duration, int, COUNT),
    "roll_session gap": lambda duration: rs.data.roll_session(duration, int, COUNT),
    "roll_session lateness": lambda duration: rs.data.roll_session("1s", int, COUNT, lateness=duration),
    "group_by ttl": lambda duration: rs.ops.group_by(int, COUNT, ttl=duration, time_mapper=int),
    "rate per": lambda duration: rs.math.rate(int, per=duration),
}


@loop_over("make", TAKERS.values(), ids=TAKERS.keys())
def test_a_text_is_the_duration_that_it_names(make: Callable[[Any], Any]) -> None:
    assert trace(make("2h")).fingerprint == trace(make(timedelta(hours=2))).fingerprint
    assert trace(make("1.5s")).fingerprint == trace(make(timedelta(milliseconds=1500))).fingerprint


@loop_over("make", TAKERS.values(), ids=TAKERS.keys())
@loop_over("wrong", ["6", "6 hours", "-1h", "1e9h", "", 6, 6.0, None, b"6h"])
def test_invalid_duration_is_refused_with_its_argument(make: Callable[[Any], Any], wrong: Any) -> None:
    if wrong is None and "ttl" in str(make.__code__.co_consts):
        return
    with pytest.raises(PipelineError, match=r"^(roll_time|roll_trailing|roll_session|group_by|rate): "):
        make(wrong)


def test_sessions_take_texts_datetimes_and_milliseconds() -> None:
    def session(**timeouts: Any) -> Any:
        return rs.data.time_split(lambda i: i, **timeouts, pipeline=COUNT)

    start = datetime(2026, 11, 28, tzinfo=timezone.utc)
    times = [start + timedelta(seconds=second) for second in (0, 2, 9, 10)]
    milliseconds = [0, 2_000, 9_000, 10_000]
    for timeouts in ({"inactive_timeout": "5s"}, {"active_timeout": "5s"}):
        assert emitted(session(**timeouts), times) == emitted(session(**timeouts), milliseconds) == [2, 2]
    assert emitted(session(inactive_timeout=timedelta(seconds=5)), times) == [2, 2]
    assert emitted(session(inactive_timeout=5_000), milliseconds) == [2, 2]
    with pytest.raises(PipelineError, match="time_split: inactive_timeout"):
        session(inactive_timeout="soon")
