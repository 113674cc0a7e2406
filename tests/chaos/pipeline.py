"""A pipeline that shows every error: a record that is lost, duplicated or moved changes all later outputs of its key.

The lane counts the records. Each group counts, sums and smooths its values, and rolls windows over the results. Idle
groups are forgotten. Records fail before and after state was written. A record has no output, one or two.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs

POISON_EARLY = -1000.0  # no event has such a value by rng
POISON_LATE = -2000.0
TTL = timedelta(seconds=60)
LONG_TTL = timedelta(days=30)


class Event(makiserve.Record):
    """A record of the traffic.

    Attributes:
        key: the key of its sequence.
        number: its place in that sequence.
        time: milliseconds, increasing within a partition.
        value: a number; some values make the pipeline raise.
    """

    key: str
    number: int
    time: int
    value: float


class Features(NamedTuple):
    """The number of the event, and features of the events before it."""

    number: int
    place: int
    count: int  # type: ignore[assignment]  # hides tuple.count
    total: float
    smooth: float
    recent: float
    spread: float


class Seen(NamedTuple):
    """An event and its position among the scored events of its lane."""

    event: Event
    place: int


class Running(NamedTuple):
    """An event, and the state of its group after it."""

    seen: Seen
    count: int  # type: ignore[assignment]  # hides tuple.count
    total: float
    smooth: float


def refuse(event: Event, poison: float) -> Event:
    """Raise on poison."""
    if event.value == poison:
        raise ValueError(f"poison: {event.value}")
    return event


def spread(window: tuple[Running, float, float]) -> list[Features]:
    """Return no row for some events, two for others."""
    running, recent, deviation = window
    event, place = running.seen
    row = Features(event.number, place, running.count, running.total, running.smooth, recent, deviation)
    return [row] * (0 if event.number % 7 == 3 else 2 if event.number % 11 == 5 else 1)


def features() -> makiserve.Transform:
    """Return a pipeline whose lane has state, which is saved as a whole."""
    return rx.pipe(
        rs.ops.map(lambda event: refuse(event, POISON_EARLY)),
        rs.ops.tee_map(rs.ops.identity(), rs.ops.count()),
        rs.ops.map(lambda pair: Seen(*pair)),
        rs.ops.group_by(lambda seen: seen.event.key, _group(), ttl=TTL, time_mapper=lambda seen: seen.event.time),
        rs.ops.map(spread),
        rs.ops.flat_map(),
    )


def keyed_features() -> makiserve.Transform:
    """Return a pipeline that only has the state of groups, which is saved over many commits and kept."""
    return rx.pipe(
        rs.ops.map(lambda event: Seen(refuse(event, POISON_EARLY), 0)),
        rs.ops.group_by(lambda seen: seen.event.key, _group(), ttl=LONG_TTL, time_mapper=lambda seen: seen.event.time),
        rs.ops.map(spread),
        rs.ops.flat_map(),
    )


def _group() -> makiserve.Transform:
    return rx.pipe(
        rs.ops.tee_map(
            rs.ops.identity(),
            rs.ops.count(),
            rs.math.sum(lambda seen: seen.event.value),
            rs.math.ewm_mean(lambda seen: seen.event.value, alpha=0.2),
        ),
        rs.ops.map(lambda row: Running(*row)),
        rs.ops.do_action(lambda running: refuse(running.seen.event, POISON_LATE)),
        rs.data.roll(
            window=4,
            stride=1,
            pipeline=rs.ops.tee_map(
                rs.ops.last(),
                rx.pipe(rs.ops.map(lambda running: running.seen.event.value), rs.math.mean(reduce=True)),
                rx.pipe(rs.ops.map(lambda running: running.smooth), rs.math.stddev(reduce=True)),
            ),
        ),
    )
