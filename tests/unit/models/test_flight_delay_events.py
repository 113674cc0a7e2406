"""The events of flights: departures and landings in the order in which they became known."""

import pyarrow.compute as pc
import pytest

from models.flight_delay.events import COLUMNS, events_table
from models.flight_delay.history import TAXI_MINUTES

pytestmark = pytest.mark.slow  # they make the data of a year


@pytest.fixture(scope="module")
def january():
    return events_table([1])


def test_events_are_ordered_by_time(january):
    assert january.column_names == list(COLUMNS)
    assert january["time"].to_pylist() == sorted(january["time"].to_pylist())


def test_events_have_all_departures_and_landings(january):
    counts = {item["values"]: item["counts"] for item in pc.value_counts(january["event"]).to_pylist()}
    assert counts == {"departed": 26_483, "landed": 26_398}
    assert january.filter(pc.field("event") == "landed")["arr_delay"].null_count == 0


def test_flight_lands_after_air_time_and_taxiing(january):
    is_first = (pc.field("carrier") == "UA") & (pc.field("flight") == 1545) & (pc.field("dep_delay") == 2)
    departed, landed = january.filter(is_first).sort_by("time").to_pylist()[:2]
    assert departed["time"].isoformat() == "2013-01-01T05:17:00"
    assert (landed["time"] - departed["time"]).total_seconds() == (227 + TAXI_MINUTES) * 60
    assert (departed["event"], landed["event"], departed["arr_delay"]) == ("departed", "landed", 11)
