"""The features of a flight's arrival: its own departure, and what the flights before it tell of the day.

The prediction is made when a flight leaves, or when it is due should it leave early: its own delay at departure is
known. Of the flights before it, what had happened by the time this one was due: how late they had left, and for
those that were down, what the way had cost. A cancellation is taken as known once the flight is due; a cancelled
flight counts, and has no prediction. `arr_delay` is the label: it reaches the features of others, and only after the
flight is down.

All groups are inside the origin's, because the topic is keyed by origin: however many partitions it has, the flights
of one origin are in one lane, while those of another may or may not be.
"""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs
from models.flight_delay.history import Flight, Trip, latest, minute_of_day, trip

__all__ = ["Features", "Flight", "features"]

DAY = 24 * 60  # minutes


class Situation(NamedTuple):
    """A flight, and when it was due the latest that was known of those before it.

    Attributes:
        delay: how late one had left the origin.
        lost: what the way had cost one from the origin: the delay at arrival less that at departure, often below 0.
        carrier_lost: likewise, of the flight's carrier.
        dest_lost: likewise, to the flight's destination.
    """

    trip: Trip
    delay: float
    lost: float
    carrier_lost: float
    dest_lost: float


class Features(NamedTuple):
    """One row for the model, in minutes but for names and where it says otherwise.

    Attributes:
        distance: in miles.
        planned: from the scheduled departure to the scheduled arrival, each on its own clock.
        due: the minute of the day.
        weekday: 0 is Sunday.
        delay_mean: of the situation's `delay`, over the last 20 flights that were due at the origin; `delay_stddev`
            and `lost_mean` likewise.
        cancelled: how many of those 20 were, as a part of 1.
    """

    label: float | None
    carrier: str
    origin: str
    dest: str
    dep_delay: float
    distance: float
    planned: float
    due: float
    weekday: float
    delay_mean: float
    delay_stddev: float
    lost_mean: float
    cancelled: float
    carrier_lost: float
    dest_lost: float


def features() -> makiserve.Transform:
    """For each flight that leaves, from an origin's twentieth on."""
    left, landed = attrgetter("left"), attrgetter("landed")
    situation = rs.ops.tee_map(  # every branch emits once for each flight, so that zip pairs what belongs together
        rs.ops.map(lambda i: i),
        latest(left),
        latest(landed),
        rs.ops.group_by(lambda i: i.flight.carrier, latest(landed)),
        rs.ops.group_by(lambda i: i.flight.dest, latest(landed)),
    )
    last_20 = rs.ops.tee_map(
        rs.ops.last(),
        rs.math.mean(lambda i: i.delay, reduce=True),
        rs.math.stddev(lambda i: i.delay, reduce=True),
        rs.math.mean(lambda i: i.lost, reduce=True),
        rs.math.mean(lambda i: i.trip.left is None, reduce=True),
    )
    origin = rx.pipe(situation, rs.ops.map(lambda i: Situation(*i)), rs.data.roll(20, stride=1, pipeline=last_20))
    return rx.pipe(
        rs.ops.map(trip),
        rs.ops.group_by(lambda i: i.flight.origin, origin),
        rs.ops.filter(lambda i: i[0].trip.left is not None),
        rs.ops.map(row),
    )


def row(window: tuple[Situation, float, float, float, float]) -> Features:
    """The last flight of a window of its origin, with the window's figures."""
    last, delay_mean, delay_stddev, lost_mean, cancelled = window
    flight, due = last.trip.flight, last.trip.due
    assert flight.dep_delay is not None  # noqa: S101  as filtered
    return Features(
        label=flight.arr_delay,
        carrier=flight.carrier,
        origin=flight.origin,
        dest=flight.dest,
        dep_delay=flight.dep_delay,
        distance=flight.distance,
        planned=float((minute_of_day(flight.sched_arr_time) - due) % DAY),
        due=float(due % DAY),
        weekday=float(due // DAY % 7),
        delay_mean=delay_mean,
        delay_stddev=delay_stddev,
        lost_mean=lost_mean,
        cancelled=cancelled,
        carrier_lost=last.carrier_lost,
        dest_lost=last.dest_lost,
    )
