"""`data.roll_time`: event time, out of order, late."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.feed import emitted


class Late(NamedTuple):
    item: Any


def ms(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=milliseconds)


def windows(window: int, stride: int, inner: Any, **parameters: Any) -> Any:
    return rs.data.roll_time(ms(window), ms(stride), lambda i: i, [inner], **parameters)


def operator_of(pipeline: Any) -> Any:
    return trace(pipeline).operators[0]


def lane(pipeline: Any, items: Any) -> Sequence[Any]:
    program = Program(trace(pipeline))
    fed = program.feed(items, program.new_state())
    assert not fed.failures
    return fed.outputs


def test_a_window_ends_before_its_end() -> None:
    assert lane(windows(10, 10, rs.data.to_list()), [0, 9, 10, 19, 20]) == [[0, 9], [10, 19]]


def test_windows_overlap_and_empty_ones_are_none() -> None:
    assert emitted(windows(10, 5, rs.data.to_list()), [3, 7, 31]) == [[3], [3, 7], [7], [31], [31]]


def test_items_between_windows_are_dropped_and_not_late() -> None:
    program = Program(trace(windows(2, 10, rs.data.to_list(), on_late=[rs.ops.map(Late)])))
    assert program.feed([0, 1, 5, 7, 11, 3, 1], program.new_state()).outputs == [[0, 1], Late(1)]


def test_lateness_keeps_a_window_open() -> None:
    inner = rs.data.to_list
    assert lane(windows(10, 10, inner(), lateness=ms(5)), [8, 11, 9, 15, 7]) == [[8, 9]]
    assert lane(windows(10, 10, inner()), [8, 11, 9, 15, 7]) == [[8]]


def test_late_items_are_counted_and_can_be_routed() -> None:
    program = Program(trace(windows(10, 10, rs.ops.count(reduce=True), on_late=[rs.ops.map(Late)])))
    state = program.new_state()
    assert program.feed([1, 12, 2, 13, 3, 25], state).outputs == [1, Late(2), Late(3), 2]
    assert 2 in state[1:]


def test_times_before_1970_are_times() -> None:
    assert emitted(windows(10, 5, rs.data.to_list()), [-13, -7, 2]) == [[-13], [-13, -7], [-7], [2], [2]]


def test_a_datetime_without_a_zone_is_utc() -> None:
    hour = timedelta(hours=1)
    items = [datetime(2026, 1, 1, 9, 59), datetime(2026, 1, 1, 10, 0), datetime(2026, 1, 1, 11, 0)]  # noqa: DTZ001
    naive = rs.data.roll_time(hour, hour, lambda i: i, [rs.ops.count(reduce=True)])
    zoned = rs.data.roll_time(hour, hour, lambda i: i.replace(tzinfo=timezone.utc), [rs.ops.count(reduce=True)])
    assert lane(naive, items) == lane(zoned, items) == [1, 1]


@loop_over(("window", "stride"), [(10, 10), (12, 3), (12, 5), (7, 3), (3, 7), (60, 1)])
@loop_over("lateness", [0, 4, 100])
@pytest.mark.slow
def test_sliced_windows_agree_with_the_general_way_out_of_order(window: int, stride: int, lateness: int) -> None:
    chance = random.Random(window * stride + lateness)
    times, now = [], 0
    for _ in range(500):
        now += chance.choice([0, 1, 1, 2, 40])
        times.append(now - chance.choice([0, 0, 0, 3, 30]))
    sliced = windows(window, stride, rs.math.sum(reduce=True), lateness=ms(lateness), on_late=[rs.ops.map(Late)])
    general = windows(
        window,
        stride,
        rs.ops.scan(lambda total, i: total + i, 0, reduce=True),
        lateness=ms(lateness),
        on_late=[rs.ops.map(Late)],
    )
    assert operator_of(sliced).pipeline.mergeable
    assert not operator_of(general).pipeline.mergeable
    assert emitted(sliced, times) == emitted(general, times) == by_definition(times, window, stride, lateness)


def by_definition(times: list[int], window: int, stride: int, lateness: int) -> list[Any]:
    """Every window's sum, and every late item, computed from their definition."""
    results, newest, done = list[Any](), times[0], -(10**9)
    kept: dict[int, list[int]] = {}
    for time in times:
        newest = max(newest, time)
        closed = [k for k in sorted(kept) if k * stride + window + lateness <= newest]
        results += [sum(kept.pop(k)) for k in closed]
        done = max(done, (newest - window - lateness) // stride)
        mine = [
            k for k in range(time // stride - window, time // stride + 1) if k * stride <= time < k * stride + window
        ]
        for k in mine:
            if k > done:
                kept.setdefault(k, []).append(time)
        if mine and mine[-1] <= done:
            results.append(Late(time))
    return results + [sum(kept[k]) for k in sorted(kept)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: rs.data.roll_time(ms(0), ms(1), abs), "window"),
        (lambda: rs.data.roll_time(ms(1), timedelta(microseconds=1500), abs), "stride"),
        (lambda: rs.data.roll_time(ms(1), ms(1), abs, lateness=ms(-1)), "lateness"),
    ],
)
def test_a_span_that_cannot_be_is_refused(make: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        make()


def test_a_time_that_is_none_fails_its_record_only() -> None:
    program = Program(trace(windows(10, 10, rs.ops.count(reduce=True))))
    fed = program.feed([1, "noon", 11], program.new_state())
    assert fed.outputs == [1]
    assert "datetime or an integer" in str(fed.failures[0][1])
