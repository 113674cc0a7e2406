"""`data.window_start` and `data.window_end`: the bounds of windows of time, among their results."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.timing import time_operators
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.loops import loop_over
from tests.unit.stream.columns.both_engines import assert_equal_batches
from tests.unit.stream.feed import emitted


def ms(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=milliseconds)


def bounded(inner: Any) -> Any:
    return rs.ops.tee_map(rs.data.window_start(), rs.data.window_end(), inner)


ANY_INNER = {
    "panes": rs.data.tail(99, reduce=True),
    "general": rx.pipe(rs.data.to_list(), rs.ops.map(tuple)),
}
each_inner = pytest.mark.parametrize("inner", ANY_INNER.values(), ids=ANY_INNER)


@each_inner
@examples(40)
@given(
    times=st.lists(st.integers(-40, 80)),
    sizes=st.sampled_from([(10, 10), (10, 5), (12, 5), (3, 7)]),
    lateness=st.integers(0, 9),
)
def test_window_of_roll_time_has_its_items_between_its_bounds(
    inner: Any, times: list[int], sizes: tuple[int, int], lateness: int
) -> None:
    window, stride = sizes
    rolled = rs.data.roll_time(ms(window), ms(stride), lambda i: i, bounded(inner), lateness=ms(lateness))
    plain = rs.data.roll_time(ms(window), ms(stride), lambda i: i, [inner], lateness=ms(lateness))
    windows = emitted(rolled, times)
    assert [items for _, _, items in windows] == emitted(plain, times)
    for start, end, items in windows:
        assert (start % stride, end) == (0, start + window)
        assert all(start <= time < end for time in items)


@each_inner
@examples(40)
@given(times=st.lists(st.integers(-40, 80)))
def test_window_of_roll_trailing_ends_at_its_item(inner: Any, times: list[int]) -> None:
    windows = emitted(rs.data.roll_trailing(ms(10), lambda i: i, bounded(inner)), times)
    assert [(start, end, items[-1]) for start, end, items in windows] == [(time - 10, time, time) for time in times]


@examples(40)
@given(times=st.lists(st.integers(0, 80)), closing=st.booleans(), includes=st.booleans())
def test_session_is_from_its_first_to_its_latest_item(times: list[int], closing: bool, includes: bool) -> None:
    parameters: dict[str, Any] = {"closing_mapper": lambda i: i % 7 == 0} if closing else {}
    sessions = rs.data.time_split(
        lambda i: i, 30, 5, include_closing_item=includes, **parameters, pipeline=bounded(rs.data.to_list())
    )
    for start, end, items in emitted(sessions, times):
        if items:  # a session after a closing item may have none
            assert end == max(start, *items)
            assert start == items[0] or (closing and includes and start % 7 == 0)


def test_session_that_begins_at_a_closing_item_starts_there() -> None:
    sessions = rs.data.time_split(lambda i: i, closing_mapper=lambda i: i == 7, pipeline=bounded(rs.data.to_list()))
    assert emitted(sessions, [5, 7, 9]) == [(5, 7, [5, 7]), (7, 9, [9])]
    assert emitted(sessions, [5, 7]) == [(5, 7, [5, 7]), (7, 7, [])]


def test_bounds_have_the_form_of_the_items_times() -> None:
    hour = datetime(2026, 1, 1, 10, tzinfo=timezone.utc)
    rolled = rs.data.roll_time("1h", "1h", lambda i: i, bounded(rs.ops.count(reduce=True)))
    assert emitted(rolled, [hour + timedelta(minutes=10)]) == [(hour, hour + timedelta(hours=1), 1)]
    naive = [(hour + timedelta(minutes=10)).replace(tzinfo=None)]
    assert emitted(rolled, naive) == [(hour, hour + timedelta(hours=1), 1)]
    tokyo = [(hour + timedelta(minutes=10)).astimezone(timezone(timedelta(hours=9)))]
    assert emitted(rolled, tokyo)[0][0].isoformat() == "2026-01-01T10:00:00+00:00"
    sessions = rs.data.time_split(lambda i: i, inactive_timeout="1h", pipeline=[rs.data.window_end()])
    assert emitted(sessions, [hour, hour + timedelta(hours=2)]) == [hour, hour + timedelta(hours=2)]


def test_outer_and_inner_windows_are_distinguished() -> None:
    inside = rs.data.roll_time(ms(2), ms(2), lambda i: i, bounded(rs.data.to_list()))
    around = rs.data.roll_time(ms(10), ms(10), lambda i: i, rx.pipe(inside, rs.ops.last()))
    assert emitted(around, [1, 2, 3, 11]) == [(2, 4, [2, 3]), (10, 12, [11])]
    grouped = rs.ops.group_by(lambda i: i % 2, [rs.data.window_start()])
    assert emitted(rs.data.roll_time(ms(10), ms(10), lambda i: i, grouped), [1, 2, 3, 11]) == [0, 0, 10]
    counted = rs.data.roll(2, 2, bounded(rs.ops.count(reduce=True)))
    assert emitted(rs.data.roll_time(ms(10), ms(10), lambda i: i, counted), [1, 2, 11]) == [(0, 10, 2), (10, 20, 1)]


def test_session_whose_item_fails_keeps_its_bounds() -> None:
    inner = rx.pipe(rs.ops.map(lambda i: i // (i - 4)), bounded(rs.ops.count(reduce=True)))
    program = Program(trace(rs.data.time_split(lambda i: i, inactive_timeout=5, pipeline=inner)))
    state = program.new_state()
    fed = program.feed([1, 2, 4, 20], state)
    assert (fed.outputs, [index for index, _ in fed.failures]) == ([(1, 2, 2)], [2])
    checkpoints, clean = Checkpoints(program), program.new_state()
    program.feed([1, 2, 20], clean)
    assert checkpoints.dump(state) == checkpoints.dump(clean)


@loop_over("make", [rs.data.window_start, rs.data.window_end])
@loop_over(
    "around",
    [
        lambda inner: inner,
        lambda inner: rs.data.roll(3, 3, [inner]),
        lambda inner: rs.data.split(lambda i: i, [inner]),
        lambda inner: rs.ops.group_by(lambda i: i, [inner]),
    ],
    ids=["alone", "roll", "split", "group_by"],
)
def test_without_a_window_of_time_around_it_is_refused(make: Any, around: Any) -> None:
    with pytest.raises(PipelineError, match=r"^window_(start|end) is not inside a window of time. Put it into"):
        Program(trace(around(make())))


def test_operators_of_a_window_can_be_timed() -> None:
    rolled = rs.data.roll_time(ms(10), ms(10), lambda i: i, bounded(rs.ops.count(reduce=True)))
    assert len(time_operators(trace(rolled), range(50))) == 5


EXTREME_TIMES = [
    datetime(1, 1, 1),  # noqa: DTZ001  a time without a zone is UTC
    datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001  as above
    datetime(1, 1, 1, tzinfo=timezone(ms(3_600_000))),
]
BOUNDED: dict[str, Any] = {
    "roll_time": lambda: rs.data.roll_time("2h", "1h", lambda i: i[0], bounded(rs.ops.count(reduce=True))),
    "roll_trailing": lambda: rs.data.roll_trailing("2h", lambda i: i[0], bounded(rs.ops.count(reduce=True))),
    "closed": lambda: rs.data.roll_trailing("2h", lambda i: i[0], bounded(rs.ops.count(reduce=True)), closed="left"),
}


@loop_over("make", BOUNDED.values(), ids=BOUNDED.keys())
def test_bounds_that_are_no_datetime_fail_their_window_only(make: Any) -> None:
    """Bounds before the year 1 or after 9999 end neither the program in columns nor their key."""
    plan = trace(rs.ops.group_by(lambda i: i[1], make()))
    columns, rows = program_for(plan), Program(plan)
    assert isinstance(columns, ColumnProgram)
    columns = ColumnProgram(plan, columns.compiled, columns.rows, NO_SMALL)
    begin = datetime(2024, 1, 1, tzinfo=timezone.utc)
    good = [begin + hour * timedelta(hours=1) for hour in range(6)]
    for time in EXTREME_TIMES:
        items = [(good[0], "a"), (time, "b"), *((moment, "b") for moment in good), *((moment, "a") for moment in good)]
        for cuts in ([1], [3], [20]):
            assert_equal_batches(columns, rows, items, cuts, None)
        fed = rows.feed(items, rows.new_state())
        assert len(fed.failures) <= 3
        assert fed.outputs[-1][2] > 0
