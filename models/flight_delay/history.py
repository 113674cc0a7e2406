"""The time at which each part of a flight's row became known: a row contains departure and arrival together.

What is made for each flight is a `makiserve.Record`, which Python makes in a sixth of the time of a named tuple.
"""

from __future__ import annotations

from datetime import date

import makiserve

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


class Timeline(makiserve.Record):
    """A flight's events on one clock, in minutes.

    Attributes:
        flight: the flight's row.
        due: its scheduled departure.
        departed_at: when its departure delay became known; None if it was cancelled.
        landed_at: when the time that it lost en route became known; None if it did not arrive at its destination.
        time_lost: that time, its arrival delay minus its departure delay: negative if it made up time.
    """

    flight: Flight
    due: int
    departed_at: float | None
    landed_at: float | None
    time_lost: float | None


def timeline(flight: Flight) -> Timeline:
    """Return a flight's events in minutes of New York's time."""
    day = date(flight.year, flight.month, flight.day).toordinal()
    due = day * 24 * 60 + minute_of_day(flight.sched_dep_time)
    if flight.dep_delay is None:
        return Timeline(flight, due, None, None, None)
    departed_at = due + flight.dep_delay
    if flight.arr_delay is None or flight.air_time is None:
        return Timeline(flight, due, departed_at, None, None)
    landed_at = departed_at + flight.air_time + TAXI_MINUTES
    return Timeline(flight, due, departed_at, landed_at, flight.arr_delay - flight.dep_delay)


def minute_of_day(clock: int) -> int:
    """Return the minute of the day: 317 for 517, which is 5:17."""
    hour, minute = divmod(clock, 100)
    return hour * 60 + minute
