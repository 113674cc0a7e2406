"""SYNTHETIC readings of a house, to try the model without the real file.

    python -m models.electricity.data --rows 50000 --seed 7 --output house.csv

The file has the columns of the real one, HomeC.csv, in the same order (README.md links to it). Like the real file it
has one row per minute although `time` increases by 1. The house is invented: an error measured on this file does not
apply to a real house.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from models.electricity.synthetic import house_columns, weather_columns

CIRCUITS = (
    *("Dishwasher", "Furnace 1", "Furnace 2", "Home office", "Fridge", "Wine cellar", "Garage door"),
    *("Kitchen 12", "Kitchen 14", "Kitchen 38", "Barn", "Well", "Microwave", "Living room", "Solar"),
)
WEATHER = (
    *("temperature", "icon", "humidity", "visibility", "summary", "apparentTemperature", "pressure"),
    *("windSpeed", "cloudCover", "windBearing", "precipIntensity", "dewPoint", "precipProbability"),
)
COLUMNS = ("time", *(f"{name} [kW]" for name in ("use", "gen", "House overall", *CIRCUITS)), *WEATHER)
FIRST_TIME = 1451624400  # seconds: midnight of 1 January 2016 in Massachusetts


def house_table(rows: int, seed: int) -> pa.Table:
    """Return the readings, one row per minute.

    A longer table begins with the rows of a shorter one of the same seed.
    """
    minute = np.arange(rows)
    hour = minute // 60  # the weather is constant within an hour
    weather = weather_columns(hours=-(-rows // 60), seed=seed)
    house = house_columns(weather["temperature"][hour], weather["cloudCover"][hour], seed)
    weather["cloudCover"] = _cloud_cover_as_text(weather["cloudCover"])
    columns = {"time": FIRST_TIME + minute} | house | {name: values[hour] for name, values in weather.items()}
    return pa.table({name: columns[name] for name in COLUMNS})


def write_house(path: Path, rows: int, seed: int) -> None:
    """Write the readings as CSV."""
    with path.open("wb") as file:
        # By default Arrow quotes all column names and strings; the real file has no quotes.
        file.write((",".join(COLUMNS) + "\n").encode())
        plain = csv.WriteOptions(include_header=False, quoting_style="none")
        csv.write_csv(house_table(rows, seed), file, plain)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m models.electricity.data", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--rows", type=int, default=50_000, help="number of rows, one per minute; the real file has 503,910 [50000]"
    )
    parser.add_argument(
        "--seed", type=int, default=7, help="seed of all random numbers; the same seed writes the same file [7]"
    )
    parser.add_argument("--output", type=Path, default=Path("house.csv"), help="the file to write [house.csv]")
    options = parser.parse_args()
    if options.rows < 1 or options.seed < 0:
        parser.error("--rows must be 1 or more, --seed 0 or more")
    write_house(options.output, options.rows, options.seed)
    print(f"{options.output}: {options.rows:,} rows of a SYNTHETIC house, seed {options.seed}")


def _cloud_cover_as_text(cloud_cover: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers as text; the first hour has the text "cloudCover", as in the real file."""
    return np.array(["cloudCover", *(f"{share:g}" for share in cloud_cover[1:])])


if __name__ == "__main__":
    main()
