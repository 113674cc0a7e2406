"""A replay of a file (read, decode, compute features, predict, write) compared with its parts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import csv
from pyarrow import parquet as pq

import makiserve
from benchmarks.engine import call_lambdas, readings
from benchmarks.sidebyside import Contestant, race
from makiserve.records import RecordFile, Schema
from models.electricity.data import write_house
from models.electricity.features import Reading, features
from models.electricity.train import train
from models.flight_delay.data import write_flights
from models.flight_delay.features import Flight
from models.flight_delay.features import features as flight_features
from models.flight_delay.train import train as train_delays

ROWS = 200_000


def run() -> None:
    """Race a replay of the electricity model on SYNTHETIC readings, and of the flights."""
    with tempfile.TemporaryDirectory() as folder:
        here, house, flights = Path.cwd(), Path(folder) / "house.csv", Path(folder) / "flights.csv"
        os.chdir(folder)
        try:
            write_house(house, rows=ROWS, seed=7)
            model = makiserve.load(train(house, name="house", alias="champion"))
            write_flights(flights)
            train_delays(flights)
            delays = makiserve.load("models:/flight_delay@champion")
        finally:
            os.chdir(here)
        _race(house, model, Path(folder) / "predictions.csv")
        _race_flights(flights, delays, Path(folder) / "predictions.csv")


def _race(house: Path, model: Any, output: Path) -> None:
    names = ["time", "House overall [kW]", "temperature", "pressure", "windSpeed"]
    schema, records = Schema(Reading), readings(ROWS)
    race(
        "200,000 rows of 32 columns, electricity model",
        [
            Contestant("replay: read, features, predict, write", _replay(model, house, output, "house_overall"), ROWS),
            Contestant("features_frame: read, features", lambda: _frame(house), ROWS),
            Contestant("records only: read and decode", lambda: sum(map(len, RecordFile(house, schema))), ROWS),
            Contestant("pandas.read_csv of the same 5 columns", lambda: pd.read_csv(house, usecols=names), ROWS),
        ],
    )
    parquet = house.with_suffix(".parquet")
    pq.write_table(csv.read_csv(house), parquet)
    race(
        "the same rows from Parquet",
        [
            Contestant(
                "replay: read, features, predict, write", _replay(model, parquet, output, "house_overall"), ROWS
            ),
            Contestant("features_frame: read, features", lambda: _frame(parquet), ROWS),
            Contestant(
                "pandas.read_parquet of the same 5 columns", lambda: pd.read_parquet(parquet, columns=names), ROWS
            ),
            Contestant("only the user's two functions, called for each record", lambda: call_lambdas(records), ROWS),
        ],
    )


def _race_flights(flights: Path, model: Any, output: Path) -> None:
    parquet = flights.with_suffix(".parquet")
    table = csv.read_csv(flights)
    pq.write_table(table, parquet)
    frame = partial(makiserve.features_frame, parquet, features=flight_features, record=Flight)
    race(
        "336,776 flights from Parquet, rolling features, gradient boosting",
        [
            Contestant(
                "replay: read, features, predict, write", _replay(model, parquet, output, "arr_delay"), len(table)
            ),
            Contestant("features_frame: read, features", frame, len(table)),
        ],
    )


def _replay(model: Any, source: Path, output: Path, label: str) -> Callable[[], object]:
    return lambda: makiserve.replay(model, source, output=output, label=label)


def _frame(house: Path) -> pd.DataFrame:
    return makiserve.features_frame(house, features=features, record=Reading)
