"""What of a flight's row was known when: the rows are history, and tell each flight's whole story at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from operator import attrgetter
from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs

TAXI = 90  # minutes on the ground, both ends together: enough for 99 of 100 flights; the rows do not tell it


class Flight(makiserve.Record):
    """One flight. A time is a number, 517 is 5:17 on the clock of the place; delays and `air_time` are minutes."""

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


class Event(NamedTuple):
    """Something that happened to a flight: the minute from which it was known, and the minutes that it says."""

    at: float
    value: float


AT = attrgetter("at")


class Trip(NamedTuple):
    """A flight on one clock, in minutes.

    Attributes:
        due: when it was to leave.
        left: its delay at departure; None when it was cancelled.
        landed: what it lost on the way, less than 0 when it made up time; None when it did not arrive as planned.
    """

    flight: Flight
    due: int
    left: Event | None
    landed: Event | None


class News(NamedTuple):
    """What was known of some flights when the last of them was due.

    Attributes:
        latest: of the events until then.
        to_come: the events after that minute, in their order.
    """

    latest: Event = Event(0.0, 0.0)
    to_come: tuple[Event, ...] = ()


def trip(flight: Flight) -> Trip:
    """Put a flight on the clock of New York."""
    day = date(flight.year, flight.month, flight.day).toordinal()
    due = day * 24 * 60 + minute_of_day(flight.sched_dep_time)
    if flight.dep_delay is None:
        return Trip(flight, due, None, None)
    left = Event(due + flight.dep_delay, flight.dep_delay)
    if flight.arr_delay is None or flight.air_time is None:
        return Trip(flight, due, left, None)
    return Trip(flight, due, left, Event(left.at + flight.air_time + TAXI, flight.arr_delay - flight.dep_delay))


def minute_of_day(clock: int) -> int:
    """The minute of the day of a time such as 517."""
    hour, minute = divmod(clock, 100)
    return hour * 60 + minute


def latest(event: Callable[[Trip], Event | None]) -> makiserve.Transform:
    """At each flight, the value of the latest event of those before it, 0 before there is one.

    Args:
        event: what is to be known of a flight, which waits until it has happened; None where it never does.
    """

    def told(news: News, trip: Trip) -> News:
        latest, to_come = news
        if happened := bisect_right(to_come, trip.due, key=AT):
            latest, to_come = max(to_come[happened - 1], latest, key=AT), to_come[happened:]
        if own := event(trip):
            place = bisect_right(to_come, own.at, key=AT)
            to_come = (*to_come[:place], own, *to_come[place:])
        return News(latest, to_come)

    return rx.pipe(rs.ops.scan(told, News()), rs.ops.map(lambda news: news.latest.value))
