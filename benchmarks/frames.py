"""Training frames from Parquet: makiserve, pandas and Polars by hand, with equal results.

Windows of a record with a time, over few and many keys, and thirty features of a few keys. All of these read the file.
The row engine and rxsci are given the first records as objects.
"""

from __future__ import annotations

import tempfile
from collections import namedtuple
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import rx
import rxsci
from pyarrow import parquet

import makiserve
import makiserve.stream as rs
from benchmarks import windows
from benchmarks.sidebyside import Contestant, race
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace

ROWS = {10: 500_000, 1_000: 500_000, 10_000: 500_000, 50_000: 500_000, 1_000_000: 25_000_000}
"""The rows for each number of keys. Windows of a key are full after 20 of them."""

MANY_ROWS = 1_000_000
"""From this number of rows on there is one round, without the engines that have an object for each record."""

ROW_ENGINE, RXSCI = 200_000, 20_000
"""Number of records that the engines with an object for each record are given."""

FEW_ROWS = 100_000
FEW_KEYS = 4
LAGS = (1, 2, 3, 6, 12, 24)
WINDOWS = (6, 24, 72)
FIGURES = ("mean", "std", "min", "max", "sum", "var")
HALFLIVES = (6, 24, 72)

NAMES = [
    "value",
    *(f"lag_{lag}" for lag in LAGS),
    *(f"{figure}_{window}" for window in WINDOWS for figure in FIGURES),
    *(f"ewm_{halflife}" for halflife in HALFLIVES),
    *("change_1", "change_24"),
]
Thirty = namedtuple("Thirty", NAMES)  # type: ignore[misc]  # names that are computed


class Reading(makiserve.Record):
    """A value of a key."""

    key: str
    value: float


def _value(reading: Reading) -> float:
    return reading.value


def features() -> makiserve.Transform:
    """Return lags, statistics of three windows, weighted means and differences, once the longest window is full."""
    lags = [rx.pipe(rs.ops.map(_value), rs.data.lag(lag), rs.ops.map(lambda pair: pair[0])) for lag in LAGS]
    weighted = [rs.math.ewm_mean(_value, halflife=halflife) for halflife in HALFLIVES]
    branches = [rs.ops.map(_value), *lags, *map(_rolling, WINDOWS), *weighted]
    joined = rs.ops.tee_map(*branches, join="zip_longest")
    return rs.ops.group_by(lambda i: i.key, rx.pipe(joined, rs.ops.filter(lambda i: i[9] is not None), rs.ops.map(row)))


def _rolling(window: int) -> makiserve.Transform:
    reductions = (rs.math.mean, rs.math.stddev, rs.math.min, rs.math.max, rs.math.sum, rs.math.variance)
    return rs.data.roll(window, 1, rs.ops.tee_map(*(reduction(_value, reduce=True) for reduction in reductions)))


def row(branches: tuple[Any, ...]) -> Any:
    """Return the thirty features of what the branches emit for a reading."""
    value, lag_1, lag_2, lag_3, lag_6, lag_12, lag_24, roll_6, roll_24, roll_72, ewm_6, ewm_24, ewm_72 = branches
    return Thirty(
        *(value, lag_1, lag_2, lag_3, lag_6, lag_12, lag_24),
        *(roll_6[0], roll_6[1], roll_6[2], roll_6[3], roll_6[4], roll_6[5]),
        *(roll_24[0], roll_24[1], roll_24[2], roll_24[3], roll_24[4], roll_24[5]),
        *(roll_72[0], roll_72[1], roll_72[2], roll_72[3], roll_72[4], roll_72[5]),
        *(ewm_6, ewm_24, ewm_72, value - lag_1, value - lag_24),  # type: ignore[call-arg]  # names that are computed
    )


def run() -> None:
    """Race all contestants for each number of keys, and makiserve, pandas and Polars for the thirty features."""
    with tempfile.TemporaryDirectory() as folder:
        for keys, rows in ROWS.items():
            source = Path(folder, f"{keys}.parquet")
            parquet.write_table(_table(rows, keys), source)
            ours = partial(_frame, source, windows.features, windows.Reading)
            by_hand = _by_hand(source, _windows, _windows_polars)
            objects = _with_objects(source) if rows < MANY_ROWS else []
            _race(f"the last {windows.WINDOW} values of {keys:,} keys, {rows:,} rows", ours, by_hand, rows, objects)
            source.unlink()
        source = Path(folder, "few.parquet")
        parquet.write_table(_table(FEW_ROWS, FEW_KEYS), source)
        ours = partial(_frame, source, features, Reading)
        by_hand = _by_hand(source, _thirty, _thirty_polars)
        _race(f"thirty features of {FEW_KEYS} keys", ours, by_hand, FEW_ROWS, [])


def _by_hand(
    source: Path, pandas: Callable[[Path], pd.DataFrame], polars: Callable[[Path], pl.DataFrame]
) -> dict[str, Callable[[], Any]]:
    return {"pandas by hand": partial(pandas, source), "Polars by hand": partial(polars, source)}


def _table(rows: int, keys: int) -> pa.Table:
    rng = np.random.default_rng(keys)
    at = np.datetime64("2026-01-01", "us") + np.arange(rows).astype("timedelta64[s]")
    columns = {
        "key": pa.array(rng.integers(0, keys, rows)).cast(pa.string()),
        "at": pa.array(at).cast(pa.timestamp("us", "UTC")),
        "value": rng.normal(20, 5, rows),
    }
    return pa.table(columns)


def _race(
    title: str,
    ours: Callable[[], pd.DataFrame],
    by_hand: dict[str, Callable[[], Any]],
    rows: int,
    objects: list[Contestant],
) -> None:
    frame = ours()
    for other in by_hand.values():
        np.testing.assert_allclose(frame.to_numpy(), other()[list(frame.columns)].to_numpy(), 1e-7, 1e-7)
    contestants = [Contestant("makiserve", ours, rows)]
    contestants += [Contestant(name, call, rows) for name, call in by_hand.items()]
    race(title, contestants + objects, rounds=5 if rows < MANY_ROWS else 1)


def _with_objects(source: Path) -> list[Contestant]:
    """Return the engines that have an object for each record."""
    rows = parquet.read_table(source).slice(0, ROW_ENGINE).to_pylist()
    records = [windows.Reading(row["key"], row["at"], row["value"]) for row in rows]
    program = Program(trace(windows.features()))
    rxsci_features = rxsci.state.with_memory_store(windows.features_in(rxsci))
    return [
        Contestant("row engine", lambda: program.feed(records, program.new_state()), len(records)),
        Contestant("rxsci", lambda: rx.from_(records[:RXSCI]).pipe(rxsci_features).subscribe(), RXSCI),
    ]


def _frame(source: Path, pipeline: Callable[[], makiserve.Transform], record: type[makiserve.Record]) -> pd.DataFrame:
    frame: pd.DataFrame = makiserve.features_frame(source, features=pipeline, record=record)
    return frame


def _windows(source: Path) -> pd.DataFrame:
    frame = pd.read_parquet(source)
    rolling = frame.groupby("key", sort=False)["value"].rolling(windows.WINDOW)
    for name, values in (("mean", rolling.mean()), ("low", rolling.min()), ("high", rolling.max())):
        frame[name] = values.droplevel(0).sort_index()
    return frame.dropna()


def _windows_polars(source: Path) -> pl.DataFrame:
    value = pl.col("value")
    figures = {"mean": value.rolling_mean, "low": value.rolling_min, "high": value.rolling_max}
    columns = [rolling(windows.WINDOW).over("key").alias(name) for name, rolling in figures.items()]
    return pl.read_parquet(source).with_columns(columns).drop_nulls("mean")


def _thirty_polars(source: Path) -> pl.DataFrame:
    value = pl.col("value")
    columns = [value.shift(lag).over("key").alias(f"lag_{lag}") for lag in LAGS]
    columns += [
        getattr(value, f"rolling_{figure}")(window).over("key").alias(f"{figure}_{window}")
        for window in WINDOWS
        for figure in FIGURES
    ]
    columns += [value.ewm_mean(half_life=halflife).over("key").alias(f"ewm_{halflife}") for halflife in HALFLIVES]
    columns += [(value - value.shift(lag)).over("key").alias(f"change_{lag}") for lag in (1, 24)]
    return pl.read_parquet(source).with_columns(columns).drop_nulls()


def _thirty(source: Path) -> pd.DataFrame:
    frame = pd.read_parquet(source)
    grouped = frame.groupby("key", sort=False)["value"]
    columns: dict[str, Any] = {"value": frame["value"]}
    for lag in LAGS:
        columns[f"lag_{lag}"] = grouped.shift(lag)
    for window in WINDOWS:
        rolling = grouped.rolling(window)
        for figure in FIGURES:
            columns[f"{figure}_{window}"] = getattr(rolling, figure)().droplevel(0).sort_index()
    for halflife in HALFLIVES:
        columns[f"ewm_{halflife}"] = grouped.ewm(halflife=halflife).mean().droplevel(0).sort_index()
    columns |= {"change_1": grouped.diff(1), "change_24": grouped.diff(24)}
    return pd.DataFrame(columns).dropna()
