"""The flights as an airport reports them: one event when a flight departs, another when it lands.

    python -m models.flight_delay.events --months 1 2 --output past.csv

A row of `flights.csv` contains both the departure and the arrival of a flight, so features that read the rows in order
would use what had not happened yet. Events are in the order in which they became known. Both events of a flight have
its arrival delay: for a departure it is the label, which a live message does not have.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from makiserve.errors import SourceError
from models.flight_delay.data import flights_table
from models.flight_delay.history import TAXI_MINUTES

COLUMNS = ("time", "event", "carrier", "flight", "origin", "dest", "dep_delay", "arr_delay")


def events_table(months: list[int]) -> pa.Table:
    """Return the departures and landings of flights that were scheduled in these months of 2013, ordered by time.

    `time` is New York's local time. Cancelled flights have no event; diverted flights have a departure without a label.

    Raises:
        SourceError: the flights are not installed.
    """
    flights = flights_table()
    flights = flights.filter(pc.and_(pc.is_in(flights["month"], pa.array(months)), pc.is_valid(flights["dep_delay"])))
    departed = pc.add(_scheduled(flights), _minutes(flights["dep_delay"]))
    landed = pc.add(departed, _minutes(pc.add(flights["air_time"], TAXI_MINUTES)))
    landings = _events(flights, landed, "landed").filter(pc.is_valid(flights["arr_delay"]))
    events = pa.concat_tables([_events(flights, departed, "departed"), landings])
    return events.sort_by("time").select(COLUMNS)  # Arrow's sort is stable


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m models.flight_delay.events", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--months", type=int, nargs="+", default=[*range(1, 13)], help="months of 2013 [1 to 12]")
    parser.add_argument("--output", type=Path, default=Path("events.csv"), help="the file to write [events.csv]")
    options = parser.parse_args()
    try:
        events = events_table(options.months)
    except SourceError as error:
        parser.exit(error.exit_code, f"{error}\n")
    csv.write_csv(events, options.output, csv.WriteOptions(quoting_style="none"))
    print(f"{options.output}: {events.num_rows:,} departures and landings")


def _scheduled(flights: pa.Table) -> pa.ChunkedArray:
    """Return the scheduled departures as timestamps: 517 in `sched_dep_time` is 5:17."""
    clock = flights["sched_dep_time"]
    parts = [flights["year"], flights["month"], flights["day"], pc.divide(clock, 100)]
    minute = pc.subtract(clock, pc.multiply(pc.divide(clock, 100), 100))
    texts = [pc.utf8_lpad(pc.cast(part, pa.string()), 2, "0") for part in (*parts, minute)]
    return pc.strptime(pc.binary_join_element_wise(*texts, "-"), "%Y-%m-%d-%H-%M", "s")


def _minutes(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.multiply(pc.cast(numbers, pa.int64()), 60).cast(pa.duration("s"))


def _events(flights: pa.Table, time: pa.ChunkedArray, event: str) -> pa.Table:
    kind = pa.repeat(event, flights.num_rows)
    return flights.append_column("time", time).append_column("event", kind)


if __name__ == "__main__":
    main()
