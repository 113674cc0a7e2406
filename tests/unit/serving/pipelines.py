"""Random pipelines: events in, numbers through operators of all kinds, rows out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, NamedTuple

import rx
from hypothesis import strategies as st

import makiserve
import makiserve.stream as rs
from makiserve.errors import PipelineError

Make = Callable[[], Any]
"""Makes a pipeline."""

POISON = 13


class Event(makiserve.Record):
    key: int
    time: int
    value: int


class Row(NamedTuple):
    number: float


def refuse(number: Any) -> Any:
    """Raise on poison; what operators have made of the events may be poison, too."""
    return number if number != POISON else 1 / 0


def number(value: Any) -> float:
    """A number of whatever an operator emits."""
    if isinstance(value, tuple | list):
        return sum(number(member) * place for place, member in enumerate(value, 1))
    return 0.25 if value is None else value


LEAVES: list[Make] = [
    lambda: rs.ops.map(lambda i: i * 3 % 17),
    lambda: rs.ops.map(refuse),
    lambda: rs.ops.filter(lambda i: i % 3 != 1),
    lambda: rs.ops.count(),
    lambda: rs.math.sum(),
    lambda: rs.math.mean(),
    lambda: rs.math.min(),
    lambda: rs.math.stddev(),
    lambda: rs.math.ewm_mean(alpha=0.3),
    lambda: rs.math.median(),
    lambda: rs.math.distinct_count(),
    lambda: rs.ops.scan(lambda total, i: 0.5 * total + i, 0.0),
    lambda: rs.ops.distinct_until_changed(),
    lambda: rs.ops.pairwise(),
    lambda: rs.ops.take(5),
    lambda: rs.ops.start_with([1]),
    lambda: rs.data.lag(2),
    lambda: rs.data.delta(),
    lambda: rs.data.batch(3),
    lambda: rs.data.pad_start(2),
    lambda: rx.pipe(rs.ops.map(lambda i: [i, -i] if i % 2 else []), rs.ops.flat_map()),
]

REDUCTIONS: list[Make] = [
    lambda: rs.math.sum(reduce=True),
    lambda: rs.math.stddev(reduce=True),
    lambda: rs.math.max(reduce=True),
    lambda: rs.ops.count(reduce=True),
    lambda: rs.ops.last(),
    lambda: rs.data.to_list(),
    lambda: rs.ops.scan(lambda total, i: total / 2 + i, 0.0, reduce=True),
]


def _then_number(make: Make) -> Make:
    return lambda: rx.pipe(make(), rs.ops.map(number))


def _chain(makes: list[Make]) -> Make:
    return lambda: rx.pipe(*(make() for make in makes))


def _joined(left: Any, right: Any, join: Any) -> Any:
    """Two branches; `zip_longest` in the place of a `zip` that is refused."""
    try:
        return rs.ops.tee_map(left, right, join=join)
    except PipelineError:
        return rs.ops.tee_map(left, right, join="zip_longest")


def _nested(inner: st.SearchStrategy[Make]) -> st.SearchStrategy[Make]:
    """Windows, groups, sessions and branches of smaller pipelines."""
    reduced = st.builds(lambda make, end: _chain([make, end]), inner, st.sampled_from(REDUCTIONS)) | st.sampled_from(
        REDUCTIONS
    )
    small = st.integers(1, 5)
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(_chain),
        st.builds(lambda make, window, stride: lambda: rs.data.roll(window, stride, make()), reduced, small, small),
        st.builds(lambda make, by: lambda: rs.ops.group_by(lambda i: i % by, make()), inner, small),
        st.builds(lambda make, gap: lambda: rs.data.split(lambda i: i > gap, make()), reduced, small),
        st.builds(
            lambda left, right, join: lambda: _joined(left(), right(), join),
            inner,
            inner,
            st.sampled_from(["zip", "zip_longest", "merge", "combine_latest"]),
        ),
    ).map(_then_number)


OF_NUMBERS = st.recursive(st.sampled_from(LEAVES).map(_then_number), _nested, max_leaves=6)

REDUCED: st.SearchStrategy[Make] = st.builds(
    lambda make, end: _chain([_then_number(_chain([make, end])), lambda: rs.ops.map(lambda i: i / (i % 4))]),
    OF_NUMBERS,
    st.sampled_from(REDUCTIONS),
)
"""Pipelines that emit once, at completion, which fails for multiples of 4."""


def _keyed(make: Make, ttl: int | None, idle: Literal["forget", "complete"] = "forget", *, is_timed: bool) -> Make:
    """Return a pipeline grouped by key, with groups that are forgotten or completed after `ttl`, also in sessions."""

    def pipeline() -> Any:
        inner = rx.pipe(rs.ops.map(lambda event: event.value), make())
        if is_timed:
            ended = rx.pipe(inner, rs.data.to_list())
            inner = rs.data.time_split(lambda event: event.time, inactive_timeout=4, pipeline=ended)
        if ttl is None:
            return rs.ops.group_by(lambda event: event.key, inner)
        age = timedelta(milliseconds=ttl)
        return rs.ops.group_by(lambda event: event.key, inner, ttl=age, time_mapper=lambda event: event.time, idle=idle)

    return pipeline


def _plain(make: Make) -> Make:
    return lambda: rx.pipe(rs.ops.map(lambda event: event.value), make())


def _rows(make: Make) -> Make:
    return lambda: rx.pipe(make(), rs.ops.map(number), rs.ops.map(lambda i: Row(i)))


PIPELINES: st.SearchStrategy[Make] = st.one_of(
    OF_NUMBERS.map(_plain),
    st.builds(_keyed, OF_NUMBERS, st.sampled_from([None, 3, 20]), is_timed=st.booleans()),
    st.builds(_keyed, OF_NUMBERS | REDUCED, st.sampled_from([3, 20]), st.just("complete"), is_timed=st.booleans()),
).map(_rows)
"""Pipelines of events that emit rows."""

KEYED: st.SearchStrategy[Make] = st.builds(_keyed, OF_NUMBERS, st.none(), is_timed=st.booleans()).map(_rows)
"""Pipelines that keep all their state by key, so that the groups are independent of each other."""

EVENTS = st.builds(Event, key=st.integers(0, 3), time=st.integers(0, 60), value=st.integers(0, 20))
