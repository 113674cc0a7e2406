"""`data.roll_session`: sessions of items in any order, by their definition and by Kafka Streams' rule."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
import rx
from hypothesis import given, settings
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.columns.engine_choice import explain
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.loops import loop_over
from tests.unit.stream.feed import emitted

COUNT = [rs.ops.count(reduce=True)]
ITEMS = rx.pipe(rs.data.tail(999, reduce=True), rs.ops.map(sorted))


EARLIEST, LATEST = datetime(1, 1, 1, tzinfo=timezone.utc), datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


class Late(NamedTuple):
    item: Any


def ms(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=milliseconds)


def sessions(gap: int, inner: Any = ITEMS, **parameters: Any) -> Any:
    return rs.data.roll_session(ms(gap), lambda i: i, inner, **parameters)


def bounded(inner: Any) -> Any:
    return rs.ops.tee_map(rs.data.window_start(), rs.data.window_end(), inner)


def cut_at_gaps(times: list[int], gap: int) -> list[list[int]]:
    """Return sorted times, cut where two neighbors are `gap` or more apart."""
    pieces: list[list[int]] = []
    for time in sorted(times):
        if pieces and time - pieces[-1][-1] < gap:
            pieces[-1].append(time)
        else:
            pieces.append([time])
    return pieces


def by_definition(times: list[int], gap: int, lateness: int) -> list[Any]:
    """Return sessions and late items, with all open items sorted and cut again at each item."""
    results: list[Any] = []
    kept: list[int] = []
    for index, time in enumerate(times):
        closed = max(times[: index + 1]) - gap - lateness
        for session in cut_at_gaps(kept, gap):
            if session[-1] <= closed:
                results.append(session)
                kept = [other for other in kept if other not in session]
        session_of_item = next(session for session in cut_at_gaps([*kept, time], gap) if time in session)
        if session_of_item[-1] > closed:
            kept.append(time)
        else:
            results.append(Late(time))
    return results + cut_at_gaps(kept, gap)


class KafkaStreams:
    """The rule of `SessionWindows.ofInactivityGapAndGrace`, as in KStreamSessionWindowAggregate of Kafka 4.0.

    A session is emitted, and leaves the store, when the window has closed (`EmitStrategy.onWindowClose`).
    """

    def __init__(self, gap: int, grace: int) -> None:
        self.gap, self.grace = gap, grace
        self.stream_time = -(10**9)
        self.store: dict[tuple[int, int], list[int]] = {}
        self.emitted: list[Any] = []

    def process(self, timestamp: int) -> None:
        self.stream_time = max(self.stream_time, timestamp)
        close_time = self.stream_time - self.grace - self.gap
        self.emit(lambda end: end < close_time)
        merged, start, end = [timestamp], timestamp, timestamp
        joined = [
            session
            for session in self.store
            if session[1] >= timestamp - self.gap and session[0] <= timestamp + self.gap
        ]
        for session in joined:
            merged = merged + self.store[session]
            start, end = min(start, session[0]), max(end, session[1])
        if end < close_time:
            self.emitted.append(Late(timestamp))
            return
        for session in joined:
            del self.store[session]
        self.store[start, end] = sorted(merged)

    def emit(self, is_closed: Any) -> None:
        for session in sorted(self.store):
            if is_closed(session[1]):
                self.emitted.append(self.store.pop(session))


TIMES = st.lists(st.integers(-30, 60), max_size=30)


@settings(deadline=None)
@given(TIMES, st.integers(1, 12))
def test_without_late_items_sessions_are_the_sorted_items_cut_at_gaps(times: list[int], gap: int) -> None:
    assert emitted(sessions(gap, lateness=ms(100)), times) == cut_at_gaps(times, gap)
    in_order = emitted(sessions(gap), sorted(times))
    assert in_order == cut_at_gaps(times, gap)
    split = rs.data.time_split(lambda i: i, inactive_timeout=gap, pipeline=[rs.data.to_list()])
    assert in_order == emitted(split, sorted(times))


@examples(300)
@given(TIMES, st.integers(1, 12), st.integers(0, 20))
def test_late_items_join_begin_and_merge_open_sessions(times: list[int], gap: int, lateness: int) -> None:
    late = sessions(gap, lateness=ms(lateness), on_late=[rs.ops.map(Late)])
    assert emitted(late, times) == by_definition(times, gap, lateness)


@examples(300)
@given(TIMES, st.integers(1, 12), st.integers(0, 20))
def test_sessions_are_those_of_kafka_streams(times: list[int], gap: int, lateness: int) -> None:
    """Kafka Streams joins items that are exactly `gap` apart; in whole milliseconds its gap is 1 ms less than ours."""
    kafka = KafkaStreams(gap - 1, lateness)
    for time in times:
        kafka.process(time)
    kafka.emit(lambda end: True)
    assert emitted(sessions(gap, lateness=ms(lateness), on_late=[rs.ops.map(Late)]), times) == kafka.emitted


@settings(deadline=None)
@given(st.lists(st.integers(-30, 60), max_size=30, unique=True), st.integers(1, 12), st.integers(0, 20))
def test_item_within_gap_and_lateness_of_the_newest_is_never_late(times: list[int], gap: int, lateness: int) -> None:
    for item in emitted(sessions(gap, lateness=ms(lateness), on_late=[rs.ops.map(Late)]), times):
        if isinstance(item, Late):
            newest = max(times[: times.index(item.item) + 1])
            assert item.item <= newest - gap - lateness


@settings(deadline=None)
@given(TIMES, st.integers(1, 12))
def test_session_is_from_its_first_to_its_latest_item(times: list[int], gap: int) -> None:
    windows = emitted(sessions(gap, bounded(ITEMS), lateness=ms(100)), times)
    assert windows == [(session[0], session[-1], session) for session in cut_at_gaps(times, gap)]


def test_item_in_a_gap_merges_the_sessions_around_it() -> None:
    assert emitted(sessions(5, lateness=ms(10)), [1, 9, 5, 30]) == [[1, 5, 9], [30]]
    assert emitted(sessions(5, lateness=ms(10)), [1, 11, 6, 30]) == [[1], [6], [11], [30]]
    assert emitted(sessions(5, lateness=ms(10)), [1, 9, 6, 5, 30]) == [[1, 5, 6, 9], [30]]


def test_merged_sessions_count_by_time_and_items_within_one_as_they_came() -> None:
    first_last = rs.ops.tee_map(rs.ops.first(), rs.ops.last())
    assert emitted(sessions(5, first_last, lateness=ms(10)), [11, 1, 6]) == [(1, 1), (6, 6), (11, 11)]
    assert emitted(sessions(6, first_last, lateness=ms(10)), [11, 1, 6]) == [(1, 11)]
    assert emitted(sessions(6, first_last, lateness=ms(10)), [5, 1]) == [(1, 5)]
    assert emitted(sessions(6, first_last, lateness=ms(10)), [5, 1, 3]) == [(1, 3)]
    assert emitted(sessions(6, first_last, lateness=ms(10)), [1, 5, 3]) == [(1, 3)]


def test_item_near_a_completed_session_begins_another() -> None:
    late = sessions(5, on_late=[rs.ops.map(Late)])
    assert emitted(late, [0, 10, 4]) == [[0], Late(4), [10]]
    assert emitted(late, [0, 4, 9, 6]) == [[0, 4], [6, 9]]


def test_late_items_are_counted_and_dropped() -> None:
    program = Program(trace(sessions(5, COUNT)))
    state = program.new_state()
    assert program.feed([1, 20, 2, 3, 40], state).outputs == [1, 1]
    assert 2 in state[1:]


def test_bounds_have_the_form_of_the_items_times() -> None:
    hour = datetime(2026, 1, 1, 10, tzinfo=timezone.utc)
    naive = hour.replace(tzinfo=None)
    half_hour = rs.data.roll_session("30min", lambda i: i, bounded(rs.ops.count(reduce=True)), lateness="1h")
    assert emitted(half_hour, [naive, hour + timedelta(minutes=40), hour + timedelta(minutes=20)]) == [
        (hour, hour + timedelta(minutes=40), 3)
    ]


@pytest.mark.parametrize("time", [10**30, -(10**30), LATEST, EARLIEST, True])
def test_a_time_far_away_is_a_time(time: Any) -> None:
    inner = bounded(rs.ops.count(reduce=True))
    ((start, end, count),) = emitted(rs.data.roll_session("1s", lambda i: i, inner), [time])
    assert (start, count) == (end, 1)


@pytest.mark.parametrize("time", [None, "noon", float("nan"), 1.5])
def test_value_that_is_not_a_time_fails_only_its_record(time: Any) -> None:
    program = Program(trace(sessions(10, COUNT)))
    fed = program.feed([1, time, 11], program.new_state())
    assert fed.outputs == [1]
    assert "datetime or an integer" in str(fed.failures[0][1])


def test_record_whose_merge_fails_leaves_no_trace() -> None:
    inner = rx.pipe(rs.ops.map(lambda i: i[1]), rs.math.sum(reduce=True))
    program = Program(trace(rs.data.roll_session("5ms", lambda i: i[0], inner, lateness="20ms")))
    items = [(1, 1.0), (9, Decimal(1)), (5, 2.0), (1, 3.0)]
    state, clean = program.new_state(), program.new_state()
    fed = program.feed(items, state)
    assert [index for index, _ in fed.failures] == [2]
    program.feed([items[0], items[1], items[3]], clean)
    assert Checkpoints(program).dump(state) == Checkpoints(program).dump(clean)
    assert program.complete(state) == [4.0, Decimal(1)]


@loop_over(
    "pipeline",
    [[rs.data.to_list()], [rs.math.sum()], [rs.ops.identity()], [rs.data.roll(2, 2, COUNT)], [], None],
    ids=["to_list", "running", "stateless", "windows", "empty", "none"],
)
def test_pipeline_that_cannot_be_merged_is_refused_with_a_remedy(pipeline: Any) -> None:
    with pytest.raises(PipelineError, match=r"^roll_session: its pipeline cannot be merged, .*time_split"):
        sessions(5, pipeline)


def test_sessions_are_computed_by_the_row_engine() -> None:
    plan = trace(rs.ops.group_by(lambda i: i, sessions(10, COUNT)))
    assert explain(plan).rows_because == "group_by > roll_session(gap_ms=10, lateness_ms=0) has no columnar form"
