"""A pipeline in which nothing may go wrong unnoticed: one record that is lost, doubled or moved changes what follows.

Its lane counts the records, its groups count, sum and smooth theirs, windows roll over those; groups are forgotten, as
keys come and go; records fail before and after state was written, give nothing, one output or two.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs

POISON_EARLY = -1000.0  # no event has such a value by chance
POISON_LATE = -2000.0
TTL = timedelta(seconds=60)
LONG_TTL = timedelta(days=30)


class Event(makiserve.Record):
    """What the traffic sends.

    Attributes:
        key: of the sequence that the event belongs to.
        number: its place in that sequence.
        time: in milliseconds; in a partition it grows with every event.
        value: any number; some are poison.
    """

    key: str
    number: int
    time: int
    value: float


class Features(NamedTuple):
    """Beside the event's own number everything that is remembered of those before."""

    number: int
    place: int
    count: int  # type: ignore[assignment]  # hides tuple.count
    total: float
    smooth: float
    recent: float
    spread: float


class Seen(NamedTuple):
    """An event and its place among all that its lane has scored."""

    event: Event
    place: int


class Running(NamedTuple):
    """An event, and what its group has become by it."""

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
    """No output for some events, two for others."""
    running, recent, deviation = window
    event, place = running.seen
    row = Features(event.number, place, running.count, running.total, running.smooth, recent, deviation)
    return [row] * (0 if event.number % 7 == 3 else 2 if event.number % 11 == 5 else 1)


def features() -> makiserve.Transform:
    """Return the pipeline whose lane counts the records: its state is saved as a whole."""
    return rx.pipe(
        rs.ops.map(lambda event: refuse(event, POISON_EARLY)),
        rs.ops.tee_map(rs.ops.identity(), rs.ops.count()),
        rs.ops.map(lambda pair: Seen(*pair)),
        rs.ops.group_by(lambda seen: seen.event.key, _group(), ttl=TTL, time_mapper=lambda seen: seen.event.time),
        rs.ops.map(spread),
        rs.ops.flat_map(),
    )


def keyed_features() -> makiserve.Transform:
    """Return the pipeline whose lane has no state but its groups: they are saved over many commits, and stay."""
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
