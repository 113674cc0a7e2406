"""Features of flights: expected values by hand and by pandas, and no event used before it is known."""

from statistics import stdev
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import rx

import makiserve
from makiserve.scoring import Batch, Scorer
from makiserve.stream.columns.engine_choice import explain
from makiserve.stream.engine.trace import trace
from models.flight_delay.data import flights_table
from models.flight_delay.features import Features, Flight, delay, features, time_lost
from models.flight_delay.history import TAXI_MINUTES, timeline


def flight(clock, dep_delay=0.0, arr_delay=0.0, **changes):
    """A flight of 1 January 2013, a Tuesday, from JFK to BOS, an hour in the air."""
    usual = {"carrier": "B6", "origin": "JFK", "dest": "BOS", "distance": 187.0, "air_time": 60.0}
    times = {"year": 2013, "month": 1, "day": 1, "sched_dep_time": clock, "sched_arr_time": clock + 100}
    return Flight(**times | usual | changes, dep_delay=dep_delay, arr_delay=arr_delay)


def cancelled(clock, **changes):
    return flight(clock, dep_delay=None, arr_delay=None, air_time=None, **changes)


def frame_of(flights):
    return makiserve.features_frame(flights, features=features, record=Flight)


def known(event, flights):
    """Return the departures, or arrivals, that were known when each flight was due."""
    values: list[Any] = []
    rx.from_([timeline(flight) for flight in flights]).pipe(
        {"departure": delay, "arrival": time_lost}[event]()
    ).subscribe(values.append)
    return values


def test_timeline_is_in_minutes():
    begins = timeline(flight(0)).due
    late = timeline(flight(1005, dep_delay=30.0, arr_delay=12.0))
    assert late.due - begins == 10 * 60 + 5
    assert late.departed_at == late.due + 30
    assert (late.landed_at, late.time_lost) == (late.due + 30 + 60 + TAXI_MINUTES, -18)
    assert timeline(flight(0, day=2)).due - begins == 24 * 60


def test_all_functions_are_computed_in_columns():
    assert explain(trace(features())) == (None, {})


def test_delay_is_known_once_the_flight_has_departed():
    flights = [flight(1000, 30.0), flight(1010, 4.0), flight(1020), flight(1029), flight(1030)]
    assert known("departure", flights) == [0, 0, 4, 0, 30]


def test_early_departure_does_not_hide_a_later_departure():
    flights = [flight(957, 1.0), flight(1000, -10.0), flight(1001)]
    assert known("departure", flights) == [0, 1, 1]


def test_departures_in_one_minute_last_in_schedule_counts():
    assert known("departure", [flight(1000, 10.0), flight(1005, 5.0), flight(1010)]) == [0, 0, 5]


def test_time_lost_is_known_once_the_flight_has_landed():
    down = 1000 + (60 + TAXI_MINUTES) // 60 * 100 + (60 + TAXI_MINUTES) % 60
    assert known("arrival", [flight(1000, arr_delay=-7.0), flight(down - 1), flight(down)]) == [0, 0, -7]


def test_cancelled_flight_has_no_departure_diverted_no_arrival():
    assert known("departure", [cancelled(1000), flight(1100)]) == [0, 0]
    assert known("arrival", [flight(1000, arr_delay=None, air_time=None), flight(2359)]) == [0, 0]


def test_features_cover_the_last_20_flights_due():
    clocks = [hour * 100 + minute for hour in range(6, 16) for minute in (0, 30)]
    flights = [flight(clock, float(delay), delay - 6.0) for delay, clock in enumerate(clocks)]
    flights[9] = cancelled(clocks[9])
    (row,) = frame_of(flights).itertuples(index=False)
    delays = [0, *range(9), 8, *range(10, 19)]  # each is the delay of the flight before; flight 9 was cancelled
    losses = [0] * 6 + [-6] * 14  # flight 0 lands at 6:00 + 60 + TAXI_MINUTES minutes, when flight 5 is due
    losses[5] = -6
    approx: Any = pytest.approx
    assert row == Features(
        label=13.0,
        carrier="B6",
        origin="JFK",
        dest="BOS",
        dep_delay=19.0,
        distance=187.0,
        scheduled_duration=60.0,
        sched_dep_minute=15 * 60 + 30.0,
        weekday=2.0,
        dep_delay_mean=approx(sum(delays) / 20),
        dep_delay_stddev=approx(stdev(delays)),
        time_lost_mean=approx(sum(losses) / 20),
        cancelled_share=0.05,
        carrier_time_lost=-6.0,
        dest_time_lost=-6.0,
    )


def test_scheduled_duration_across_midnight_is_positive():
    flights = [flight(600 + minute) for minute in range(19)]
    (row,) = frame_of([*flights, flight(2300, sched_arr_time=15)]).itertuples(index=False)
    assert row.scheduled_duration == 75


def test_time_lost_by_carrier_and_destination():
    first = [flight(600, arr_delay=9.0, carrier="DL"), flight(601, arr_delay=5.0, dest="LAX")]
    rest = [flight(700 + minute) for minute in range(17)]
    (row,) = frame_of([*first, *rest, flight(840, carrier="DL", dest="LAX")]).itertuples(index=False)
    assert (row.carrier_time_lost, row.dest_time_lost) == (9, 5)


def test_cancelled_flight_is_in_the_window_without_a_row():
    flights = [flight(600 + minute) for minute in range(19)]
    frame = frame_of([*flights, cancelled(620), flight(621)])
    assert list(frame.index) == [20]
    assert list(frame.cancelled_share) == [0.05]


def test_diverted_flight_has_a_row_without_label():
    flights = [flight(600 + minute) for minute in range(19)]
    (row,) = frame_of([*flights, flight(620, arr_delay=None, air_time=None)]).itertuples(index=False)
    assert row.label is None or np.isnan(row.label)


@pytest.fixture(scope="module")
def real():
    """Two days of real flights: 7 February, and 8 February with its blizzard, when half of them are cancelled."""
    table = flights_table().select(list(Flight.__struct_fields__))
    days = table.filter((pc.field("month") == 2) & pc.field("day").isin([7, 8]))
    return [msgspec.convert(row, Flight) for row in days.to_pylist()]


@pytest.fixture(scope="module")
def expected(real):
    """The expected features of real flights, computed with pandas from the whole history."""
    rows = pd.DataFrame([msgspec.structs.asdict(flight) for flight in real])
    clock = rows.sched_dep_time
    days = pd.to_datetime(rows[["year", "month", "day"]]).rank(method="dense")
    rows["at"] = days * 24 * 60 + clock // 100 * 60 + clock % 100
    rows["left"] = rows["at"] + rows.dep_delay
    rows["down"] = rows.left + rows.air_time + TAXI_MINUTES
    rows["lost"] = rows.arr_delay - rows.dep_delay
    rows["delay_known"] = before(rows, "left", "dep_delay", [])
    rows["lost_known"] = before(rows, "down", "lost", [])
    rows["carrier_time_lost"] = before(rows, "down", "lost", ["carrier"])
    rows["dest_time_lost"] = before(rows, "down", "lost", ["dest"])
    rows["no_delay"] = rows.dep_delay.isna().astype(float)
    last_20 = rows.groupby("origin").rolling(20)
    for name, column, statistic in (
        ("dep_delay_mean", "delay_known", "mean"),
        ("dep_delay_stddev", "delay_known", "std"),
        ("time_lost_mean", "lost_known", "mean"),
        ("cancelled_share", "no_delay", "mean"),
    ):
        rows[name] = getattr(last_20[column], statistic)().droplevel(0)
    return rows[rows.dep_delay_mean.notna() & rows.dep_delay.notna()]


def before(rows, when, value, keys):
    """Return for each flight the value of the latest event, by the time it is due, of earlier flights with its keys."""
    latest = pd.Series(0.0, rows.index)
    for _, alike in rows.groupby(["origin", *keys]):
        at, due, values = (alike[column].to_numpy() for column in (when, "at", value))
        for place in range(len(alike)):
            happened = np.flatnonzero(at[:place] <= due[place])[::-1]
            if len(happened):
                latest[alike.index[place]] = values[happened[np.argmax(at[happened])]]
    return latest


@pytest.mark.slow
def test_features_of_real_flights_equal_pandas(real, expected):
    frame = frame_of(real)
    assert list(frame.index) == list(expected.index)
    assert frame.cancelled_share.max() > 0.5
    same = ["carrier", "origin", "dest", "dep_delay", "distance"]
    pd.testing.assert_frame_equal(frame[same], expected[same], check_names=False)
    for name in (
        "dep_delay_mean",
        "dep_delay_stddev",
        "time_lost_mean",
        "cancelled_share",
        "carrier_time_lost",
        "dest_time_lost",
    ):
        np.testing.assert_allclose(frame[name], expected[name], rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.slow
def test_features_of_an_origin_do_not_depend_on_others(real):
    together = frame_of(real)
    for origin in ("EWR", "JFK", "LGA"):
        alone = frame_of([flight for flight in real if flight.origin == origin])
        among = together[together.origin == origin].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone.reset_index(drop=True), among)


@pytest.mark.parametrize("place", [100, 400, 700, 1000, 1200])
@pytest.mark.slow
def test_future_events_do_not_change_the_features(real, place):
    row = frame_of(real).index[place]
    now = timeline(real[row]).due
    rewritten = [with_other_future(flight, now) for flight in real[:row]]
    assert rewritten != real[:row]
    rewritten_flight = msgspec.structs.replace(real[row], arr_delay=999.0, air_time=999.0)
    original, changed = frame_of(real[: row + 1]).loc[row], frame_of([*rewritten, rewritten_flight]).loc[row]
    assert changed.label == 999.0
    pd.testing.assert_series_equal(original.drop("label"), changed.drop("label"))


def with_other_future(flight, now):
    """Return the flight with other delays for events after the minute `now`."""
    events = timeline(flight)
    if events.departed_at is None:
        return flight
    if events.departed_at > now:
        return msgspec.structs.replace(flight, dep_delay=flight.dep_delay + 500, arr_delay=None)
    if events.landed_at is not None and events.landed_at > now:
        return msgspec.structs.replace(flight, arr_delay=flight.arr_delay + 300)
    return flight


@pytest.mark.slow
def test_features_after_a_restored_checkpoint_are_equal(real):
    scorer = Scorer(trace(features()))
    lane, other = scorer.new_lane(), scorer.new_lane()
    scorer.score([Batch(lane, real[:900])])
    other.states = [
        checkpoint.load(checkpoint.dump(state))
        for checkpoint, state in zip(scorer.checkpoints, lane.states, strict=True)
    ]
    (continued,) = scorer.score([Batch(lane, real[900:])])
    (restored,) = scorer.score([Batch(other, real[900:])])
    assert restored.features == continued.features
