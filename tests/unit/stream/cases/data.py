"""Examples of the operators on windows, sessions and order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import rx

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases, Point

CASES: Cases = {
    "data.roll": [
        lambda: rs.data.roll(3, 2, [rs.math.sum(reduce=True)]),
        lambda: rs.data.roll(4, 1, rs.ops.tee_map(rs.ops.first(), rs.ops.last(), rs.math.stddev(reduce=True))),
        lambda: rs.data.roll(2, 3, [rs.ops.count(reduce=True)]),
        lambda: rs.data.roll(3, 1, [rs.ops.scan(lambda a, i: (*a, i), (), reduce=True)]),
        lambda: rs.data.roll(3, 2, [rs.math.sum()]),
        lambda: rs.data.roll(4, 2, [rs.ops.group_by(lambda i: i % 2, [rs.math.sum(reduce=True)])]),
        lambda: rs.data.roll(4, 2, [rs.data.roll(2, 1, [rs.math.max(reduce=True)])]),
    ],
    "data.lag": [lambda: rs.data.lag(), lambda: rs.data.lag(3)],
    "data.as_of": [
        lambda: _as_of(lambda i: i % 4, default=0),
        lambda: rs.ops.tee_map(_as_of(), rs.ops.group_by(lambda i: i % 2, [_as_of(lambda i: i / 2)])),
    ],
    "data.delta": [lambda: rs.data.delta(), lambda: rs.data.delta(lambda i: i / 3, size=2)],
    "data.batch": [lambda: rs.data.batch(3), lambda: rs.data.batch(5), lambda: rs.data.batch(1)],
    "data.pad_start": [lambda: rs.data.pad_start(2), lambda: rs.data.pad_start(2, 7), lambda: rs.data.pad_start(0)],
    "data.pad_end": [lambda: rs.data.pad_end(2), lambda: rs.data.pad_end(2, 7), lambda: rs.data.pad_end(0)],
    "data.clip": [lambda: rs.data.clip(2, 5), lambda: rs.data.clip(higher_bound=4), lambda: rs.data.clip()],
    "data.fill_none": [lambda: rx.pipe(rs.ops.map(lambda i: Point(i, None)), rs.data.fill_none(0))],
    "data.forward_fill": [
        lambda: rx.pipe(rs.ops.map(lambda i: i if i % 3 else None), rs.data.forward_fill()),
        lambda: rx.pipe(
            rs.ops.map(lambda i: Point(i if i % 2 else None, None if i % 3 else i)), rs.data.forward_fill()
        ),
    ],
    "data.head": [
        lambda: rs.data.head(3),
        lambda: rs.data.head(2, lambda i: i / 3, reduce=True),
        lambda: rs.data.head(2, lambda i: i if i % 3 else None, reduce=True, skip_missing=True),
    ],
    "data.tail": [
        lambda: rs.data.tail(3),
        lambda: rs.data.tail(2, lambda i: Point(i, str(i)), reduce=True),
        lambda: rs.data.tail(2, lambda i: i if i % 3 else None, skip_missing=True, min_periods=2),
    ],
    "data.to_list": [lambda: rs.data.to_list()],
    "data.to_array": [lambda: rs.data.to_array("d")],
    "data.to_deque": [
        lambda: rs.data.to_deque(),
        lambda: rx.pipe(rs.ops.map(lambda i: [i, i]), rs.data.to_deque(extend=True)),
    ],
    "data.sort": [lambda: rs.data.sort(), lambda: rs.data.sort(key=lambda i: i % 3, reverse=True)],
    "data.cache": [
        lambda: rs.data.cache(),
        lambda: rx.pipe(rs.ops.map(lambda i: Point(i, str(i))), rs.data.cache("y")),
    ],
    "data.encode": [lambda: _text(rs.data.encode()), lambda: _text(rs.data.encode("utf-16"))],
    "data.decode": [
        lambda: rx.pipe(rs.ops.map(lambda i: bytes([i])), rs.data.decode()),
        lambda: rx.pipe(rs.ops.map(lambda i: bytes([i])), rs.data.decode("latin-1", incremental=False)),
    ],
    "data.split": [
        lambda: rs.data.split(lambda i: i > 3, [rs.math.sum(reduce=True)]),
        lambda: rs.data.split(lambda i: i > 3, [rs.ops.count()]),
        lambda: rs.data.split(lambda i: i % 2, [rs.data.to_list()]),
    ],
    "data.time_split": [
        lambda: _sessions(inactive_timeout=2),
        lambda: _sessions(active_timeout=3, inactive_timeout=2),
        lambda: _sessions(closing_mapper=lambda i: i == 5),
        lambda: _sessions(closing_mapper=lambda i: i == 5, include_closing_item=False),
        lambda: rs.data.time_split(lambda i: i, 5, pipeline=[rs.math.sum(), rs.data.to_list()]),
    ],
    "data.roll_time": [
        lambda: _hopping(4, 4, rs.math.sum(reduce=True)),
        lambda: _hopping(4, 2, rs.math.stddev(reduce=True), lateness=timedelta(milliseconds=3)),
        lambda: _hopping(3, 2, rs.data.to_list(), on_late=[rs.ops.map(lambda i: -i)]),
        lambda: _hopping(2, 5, rs.data.to_list(), on_late=[rs.math.sum()]),
        lambda: _hopping(2, 5, rs.math.mean(reduce=True), lateness=timedelta(milliseconds=9)),
        lambda: _hopping(4, 3, rs.math.sum(), lateness=timedelta(milliseconds=2), on_late=[]),
    ],
    "data.roll_calendar": [
        lambda: _daily(rs.math.sum(reduce=True)),
        lambda: _daily(rs.data.to_list(), lateness="1d", on_late=[rs.ops.map(lambda i: -i)]),
        lambda: _daily(_bounded(rs.ops.count(reduce=True)), lateness="1d"),
    ],
    "data.roll_trailing": [
        lambda: _trailing(8, rs.math.sum(reduce=True)),
        lambda: _trailing(4, rs.ops.tee_map(rs.ops.first(), rs.ops.last(), rs.math.stddev(reduce=True))),
        lambda: _trailing(6, rs.math.mean(lambda i: i / 3, reduce=True, min_periods=2)),
        lambda: _trailing(6, rs.data.to_list()),
        lambda: _trailing(6, rs.ops.group_by(lambda i: i % 2, [rs.math.sum(reduce=True)])),
        lambda: _trailing(9, rx.pipe(_trailing(4, rs.math.max(reduce=True)), rs.ops.last())),
        lambda: rs.ops.tee_map(rs.ops.identity(), _trailing(3, rs.ops.count(reduce=True))),
        lambda: _trailing(4, rs.ops.tee_map(rs.ops.first(), rs.ops.last(), rs.math.stddev(reduce=True)), closed="left"),
        lambda: rs.ops.tee_map(rs.ops.identity(), _trailing(3, rs.math.sum(reduce=True), closed="neither")),
        lambda: _trailing(4, rx.pipe(_trailing(2, rs.ops.last(), closed="left"), rs.data.to_list()), closed="both"),
        lambda: _trailing(6, _bounded(rs.data.to_list()), closed="left"),
    ],
    "data.roll_session": [
        lambda: _late_sessions(3, rs.math.sum(reduce=True)),
        lambda: _late_sessions(2, rs.math.stddev(reduce=True), lateness=timedelta(milliseconds=3)),
        lambda: _late_sessions(3, _bounded(rs.data.tail(9, reduce=True)), lateness="4ms", on_late=[rs.math.sum()]),
        lambda: _late_sessions(1, rs.ops.tee_map(rs.ops.first(), rs.ops.last()), lateness="9ms", on_late=[]),
    ],
    "data.window_start": [
        lambda: _hopping(4, 2, _bounded(rs.math.sum(reduce=True))),
        lambda: _hopping(4, 4, _bounded(rs.data.to_list())),
        lambda: rs.data.time_split(lambda i: i, 3, 2, lambda i: i == 5, pipeline=_bounded(rs.math.sum(reduce=True))),
        lambda: _trailing(6, _bounded(rs.ops.count(reduce=True))),
    ],
    "data.window_end": [lambda: _trailing(6, _bounded(rs.data.to_list()))],
}


def _daily(inner: Any, **parameters: Any) -> Any:
    return rs.data.roll_calendar("day", lambda i: i * 43_200_000, [inner], zone="Europe/Paris", **parameters)


def _bounded(inner: Any) -> Any:
    return rs.ops.tee_map(rs.data.window_start(), rs.data.window_end(), inner)


def _hopping(window: int, stride: int, inner: Any, **parameters: Any) -> Any:
    return rs.data.roll_time(
        timedelta(milliseconds=window), timedelta(milliseconds=stride), lambda i: i * 2, [inner], **parameters
    )


def _trailing(window: int, inner: Any, **parameters: Any) -> Any:
    return rs.data.roll_trailing(timedelta(milliseconds=window), lambda i: i * 2, [inner], **parameters)


def _late_sessions(gap: int, inner: Any, **parameters: Any) -> Any:
    return rs.data.roll_session(timedelta(milliseconds=gap), lambda i: i * 2, [inner], **parameters)


def _text(operator: Any) -> Any:
    return rx.pipe(rs.ops.map(str), operator)


def _sessions(**parameters: Any) -> Any:
    return rs.data.time_split(lambda i: i, **parameters, pipeline=[rs.math.sum(reduce=True)])


def _as_of(value: Any = None, **parameters: Any) -> Any:
    return rs.data.as_of(lambda i: i * 2, lambda i: i * 3 if i % 3 else None, value, **parameters)
