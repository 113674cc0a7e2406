"""When each part of a flight's row became known: a row contains the whole flight, departure and arrival together.

What is made for each flight is a `makiserve.Record`, which Python makes in a sixth of the time of a named tuple.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from operator import attrgetter

import rx

import makiserve
import makiserve.stream as rs

TAXI_MINUTES = 90
"""Minutes of taxiing, both airports together. The rows do not contain them; 99 of 100 flights need less."""


class Flight(makiserve.Record):
    """One flight. A time is a number in local time: 517 is 5:17. Delays and `air_time` are in minutes."""

    year: int
    month: int
    day: int
    sched_dep_time: int
    sched_arr_time: int
    carrier: str
    origin: str
    dest: str
    distance: float
    dep_delay: float | None = None
    arr_delay: float | None = None
    air_time: float | None = None


class Event(makiserve.Record):
    """A departure or an arrival.

    Attributes:
        known_at: the minute from which it is known.
        value: minutes of delay, or of time lost.
    """

    known_at: float
    value: float


KNOWN_AT = attrgetter("known_at")


class Timeline(makiserve.Record):
    """A flight's events on one clock, in minutes.

    Attributes:
        flight: the flight's row.
        due: its scheduled departure.
        departure: its departure delay; None if it was cancelled.
        arrival: the time it lost en route, negative if it made up time; None if it did not arrive at its destination.
    """

    flight: Flight
    due: int
    departure: Event | None
    arrival: Event | None


class KnownEvents(makiserve.Record):
    """What was known of earlier flights when the last of them was due.

    Attributes:
        latest: the latest event until then.
        pending: the events after that minute, ordered by time.
    """

    latest: Event = Event(0.0, 0.0)
    pending: tuple[Event, ...] = ()


def timeline(flight: Flight) -> Timeline:
    """Return a flight's events in minutes of New York's time."""
    day = date(flight.year, flight.month, flight.day).toordinal()
    due = day * 24 * 60 + minute_of_day(flight.sched_dep_time)
    if flight.dep_delay is None:
        return Timeline(flight, due, None, None)
    departure = Event(due + flight.dep_delay, flight.dep_delay)
    if flight.arr_delay is None or flight.air_time is None:
        return Timeline(flight, due, departure, None)
    arrival = Event(departure.known_at + flight.air_time + TAXI_MINUTES, flight.arr_delay - flight.dep_delay)
    return Timeline(flight, due, departure, arrival)


def minute_of_day(clock: int) -> int:
    """Return the minute of the day: 317 for 517, which is 5:17."""
    hour, minute = divmod(clock, 100)
    return hour * 60 + minute


def latest_known(event: Callable[[Timeline], Event | None]) -> makiserve.Transform:
    """Emit for each flight the value of the latest event among earlier flights, 0 if there is none yet.

    Args:
        event: returns a flight's event, which counts only from the minute it is known; None if it never happened.
    """

    def advance(known: KnownEvents, timeline: Timeline) -> KnownEvents:
        latest, pending = known.latest, known.pending
        if pending and pending[0].known_at <= timeline.due:
            count = bisect_right(pending, timeline.due, key=KNOWN_AT)
            latest, pending = max(pending[count - 1], latest, key=KNOWN_AT), pending[count:]
        if own_event := event(timeline):
            index = bisect_right(pending, own_event.known_at, key=KNOWN_AT)
            pending = (*pending[:index], own_event, *pending[index:])
        return KnownEvents(latest, pending)

    return rx.pipe(rs.ops.scan(advance, KnownEvents()), rs.ops.map(lambda known: known.latest.value))
