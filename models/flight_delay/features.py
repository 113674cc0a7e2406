"""The features of a flight's arrival delay: its own departure, and the delays of earlier flights from its airport.

A prediction is made when a flight departs, or when it is due if it departs early, so its own departure delay is known.
Of earlier flights it uses only what had happened by the time this flight was due: how late they departed and, if they
have landed, how much time they lost en route. A cancellation counts as known when the cancelled flight is due. A
cancelled flight is part of the windows and has no prediction. The label, `arr_delay`, becomes part of later flights'
features once the flight has landed.

The topic is keyed by `origin`, so all flights from one airport are in one partition. All groups are therefore inside
the origin's group.
"""

from __future__ import annotations

from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs
from models.flight_delay.history import Flight, Timeline, minute_of_day, timeline

__all__ = ["Features", "Flight", "features"]

DAY_MINUTES = 24 * 60


class FlightContext(NamedTuple):
    """A flight, and the latest values known of earlier flights from its airport when it was due, in minutes.

    Attributes:
        timeline: the flight.
        dep_delay: departure delay of the latest flight that had departed.
        time_lost: time that the latest flight that had landed lost en route: its arrival delay minus its departure
            delay, often negative.
        carrier_time_lost: `time_lost` among flights of the same carrier.
        dest_time_lost: `time_lost` among flights to the same destination.
    """

    timeline: Timeline
    dep_delay: float
    time_lost: float
    carrier_time_lost: float
    dest_time_lost: float


class Features(NamedTuple):
    """One row for the model. Delays, durations and lost time are in minutes.

    Attributes:
        label: arrival delay; None if the flight did not arrive at its destination.
        carrier: code of the airline.
        origin: code of the airport of departure.
        dest: code of the airport of arrival.
        dep_delay: the flight's own departure delay.
        distance: in miles.
        scheduled_duration: scheduled arrival minus scheduled departure, each in local time.
        sched_dep_minute: scheduled departure, as the minute of the day.
        weekday: 0 is Sunday.
        dep_delay_mean: mean of `FlightContext.dep_delay` over the last 20 flights due at the origin.
        dep_delay_stddev: its standard deviation over these flights.
        time_lost_mean: mean of `FlightContext.time_lost` over these flights.
        cancelled_share: share of these flights that were cancelled, 0 to 1.
        carrier_time_lost: of the latest landed flight of the same carrier.
        dest_time_lost: of the latest landed flight to the same destination.
    """

    label: float | None
    carrier: str
    origin: str
    dest: str
    dep_delay: float
    distance: float
    scheduled_duration: float
    sched_dep_minute: float
    weekday: float
    dep_delay_mean: float
    dep_delay_stddev: float
    time_lost_mean: float
    cancelled_share: float
    carrier_time_lost: float
    dest_time_lost: float


def features() -> makiserve.Transform:
    """Emit a row for each flight that departs, from the 20th flight of its origin on."""
    context = rs.ops.tee_map(  # each branch emits once per flight, so that zip combines values of the same flight
        rs.ops.map(lambda i: i),
        delay(),
        time_lost(),
        rs.ops.group_by(lambda i: i.flight.carrier, time_lost()),
        rs.ops.group_by(lambda i: i.flight.dest, time_lost()),
    )
    last_20 = rs.ops.tee_map(
        rs.ops.last(),
        rs.math.mean(lambda i: i.dep_delay, reduce=True),
        rs.math.stddev(lambda i: i.dep_delay, reduce=True),
        rs.math.mean(lambda i: i.time_lost, reduce=True),
        rs.math.mean(lambda i: i.timeline.departed_at is None, reduce=True),
    )
    origin = rx.pipe(context, rs.ops.map(lambda i: FlightContext(*i)), rs.data.roll(20, stride=1, pipeline=last_20))
    return rx.pipe(
        rs.ops.map(timeline),
        rs.ops.group_by(lambda i: i.flight.origin, origin),
        rs.ops.filter(lambda i: i[0].timeline.departed_at is not None),
        rs.ops.map(row),
    )


def delay() -> makiserve.Transform:
    """Emit for each flight the delay of the latest flight that had departed when it was due, 0 if none had."""
    return rs.data.as_of(lambda i: i.due, lambda i: i.departed_at, lambda i: i.flight.dep_delay, default=0.0)


def time_lost() -> makiserve.Transform:
    """Emit for each flight the time that the latest flight lost that had landed when it was due, 0 if none had."""
    return rs.data.as_of(lambda i: i.due, lambda i: i.landed_at, lambda i: i.time_lost, default=0.0)


def row(window: tuple[FlightContext, float, float, float, float]) -> Features:
    """Return the features of the last flight in a window, given the statistics of the window."""
    last, dep_delay_mean, dep_delay_stddev, time_lost_mean, cancelled_share = window
    flight, due = last.timeline.flight, last.timeline.due
    assert flight.dep_delay is not None  # noqa: S101  cancelled flights are filtered out
    return Features(
        label=flight.arr_delay,
        carrier=flight.carrier,
        origin=flight.origin,
        dest=flight.dest,
        dep_delay=flight.dep_delay,
        distance=flight.distance,
        scheduled_duration=float((minute_of_day(flight.sched_arr_time) - due) % DAY_MINUTES),
        sched_dep_minute=float(due % DAY_MINUTES),
        weekday=float(due // DAY_MINUTES % 7),
        dep_delay_mean=dep_delay_mean,
        dep_delay_stddev=dep_delay_stddev,
        time_lost_mean=time_lost_mean,
        cancelled_share=cancelled_share,
        carrier_time_lost=last.carrier_time_lost,
        dest_time_lost=last.dest_time_lost,
    )
