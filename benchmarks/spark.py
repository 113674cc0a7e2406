"""Windows of 20 values a key, from a Parquet file: makiserve on one core and on Spark, and by hand in Spark, pandas and
Polars.

Each contestant runs in a separate process and writes its result; all results are compared. It needs Java 17 and
`pip install 'makiserve[spark,flights]' polars psutil rich`.

    python -m benchmarks.spark [ROWS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from rich.console import Console
from rich.table import Table

from benchmarks.windows import WINDOW, Reading, features
from models.flight_delay.data import flights_table

ROWS = 5_000_000
KEYS = 1_000
PLACE = [("key", "ascending"), ("at", "ascending")]
COLUMNS = ["key", "at", "value", "mean", "low", "high"]
TOLERANCE = 1e-9  # relative, for the mean: the others sum in another order


def run(rows: int = ROWS) -> None:
    """Measure the flights' delays by origin, and generated values of many keys."""
    for title, table in (("flights by origin", _flights()), (f"{KEYS:,} keys", _generated(rows))):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "source.parquet")
            parquet.write_table(table, source)
            _compare(f"{title}: {table.num_rows:,} rows, the last {WINDOW}", source, Path(folder))


def _flights() -> pa.Table:
    flights = flights_table()
    flights = flights.filter(pc.is_valid(flights["dep_delay"]))
    start = np.datetime64("2013-01-01", "us")
    at = start + np.arange(flights.num_rows).astype("timedelta64[s]")  # in their order, without ties
    value = flights["dep_delay"].cast(pa.float64())
    return pa.table({"key": flights["origin"], "at": pa.array(at).cast(pa.timestamp("us", "UTC")), "value": value})


def _generated(rows: int) -> pa.Table:
    rng = np.random.default_rng(20261128)
    at = np.datetime64("2026-01-01", "us") + np.arange(rows).astype("timedelta64[s]")
    return pa.table(
        {
            "key": pa.array(rng.integers(0, KEYS, rows)).cast(pa.string()),
            "at": pa.array(at).cast(pa.timestamp("us", "UTC")),
            "value": rng.normal(20, 5, rows).round(1),
        }
    )


def _compare(title: str, source: Path, folder: Path) -> None:
    table = Table(title=title, title_justify="left")
    for column in ("", "CPU s", "s", "peak MB", "rows", "÷ CPU"):
        table.add_column(column, justify="left" if not column else "right")
    first, reference = 0.0, None
    for number, name in enumerate(CONTESTANTS):
        output = folder / f"{number}.parquet"
        cpu_s, seconds, peak = _measured([sys.executable, "-m", "benchmarks.spark", name, str(source), str(output)])
        actual = parquet.read_table(output).sort_by(PLACE)
        first, reference = first or cpu_s, reference or actual
        _require_equal(name, reference, actual)
        table.add_row(
            name, f"{cpu_s:.1f}", f"{seconds:.1f}", f"{peak / 1e6:,.0f}", f"{actual.num_rows:,}", f"{cpu_s / first:.2f}"
        )
    Console().print(table)


def _require_equal(name: str, expected: pa.Table, actual: pa.Table) -> None:
    for column in COLUMNS:
        left, right = (table[column].combine_chunks() for table in (expected, actual))
        if column == "mean":
            np.testing.assert_allclose(right.to_numpy(), left.to_numpy(), TOLERANCE, 1e-9, err_msg=name)
        elif right.cast(left.type) != left:
            raise AssertionError(f"{name} differs in {column}")


def _measured(command: list[str]) -> tuple[float, float, int]:
    """Run a command; return the CPU seconds of all of its processes, the seconds, and the most memory they had."""
    start, used, peak = time.perf_counter(), {}, 0
    process = psutil.Popen(command)
    while process.poll() is None:
        memory = 0
        for member in _tree(process):
            try:
                times = member.cpu_times()
                used[member.pid] = times.user + times.system
                memory += member.memory_full_info().pss  # pages that are shared count once
            except psutil.Error:
                continue
        peak = max(peak, memory)
        time.sleep(0.1)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return sum(used.values()), time.perf_counter() - start, peak


def _tree(process: Any) -> Iterator[Any]:
    yield process
    try:
        yield from process.children(recursive=True)
    except psutil.Error:
        return


def _makiserve(source: Path) -> pa.Table:
    import makiserve

    table = parquet.read_table(source).sort_by(PLACE)
    frame = makiserve.features_frame(table, features=features, record=Reading)
    output = pa.Table.from_pandas(frame.reset_index())
    for name in ("key", "at"):
        output = output.append_column(name, table[name].take(output["offset"]))
    return output.select(COLUMNS)


def _makiserve_on_spark(source: Path) -> Any:
    import makiserve.spark

    df = _session().read.parquet(str(source))
    features_df = makiserve.spark.features(df, features=features, record=Reading, key="key", time="at")
    return features_df.where("dead_letter is null").select(COLUMNS)


def _spark_by_hand(source: Path) -> Any:
    from pyspark.sql import Window
    from pyspark.sql import functions as sql

    df = _session().read.parquet(str(source))  # a window needs a session
    window = Window.partitionBy("key").orderBy("at").rowsBetween(1 - WINDOW, 0)
    aggregates = df.select(
        "key",
        "at",
        "value",
        sql.avg("value").over(window).alias("mean"),
        sql.min("value").over(window).alias("low"),
        sql.max("value").over(window).alias("high"),
        sql.count("value").over(window).alias("count"),
    )
    return aggregates.where(f"count = {WINDOW}").select(COLUMNS)


def _pandas(source: Path) -> pa.Table:
    import pandas as pd

    frame = pd.read_parquet(source).sort_values(["key", "at"], ignore_index=True)
    rolling = frame.groupby("key", sort=False)["value"].rolling(WINDOW)
    for name, values in (("mean", rolling.mean()), ("low", rolling.min()), ("high", rolling.max())):
        frame[name] = values.to_numpy()
    return pa.Table.from_pandas(frame.dropna(), preserve_index=False).select(COLUMNS)


def _polars(source: Path) -> pa.Table:
    import polars as pl

    value = pl.col("value")
    figures = [
        value.rolling_mean(WINDOW).over("key").alias("mean"),
        value.rolling_min(WINDOW).over("key").alias("low"),
        value.rolling_max(WINDOW).over("key").alias("high"),
    ]
    frame = pl.scan_parquet(source).sort("key", "at").with_columns(figures).drop_nulls().select(COLUMNS)
    return frame.collect().to_arrow()


def _session() -> Any:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    return builder.config("spark.log.level", "ERROR").config("spark.sql.session.timeZone", "UTC").getOrCreate()


CONTESTANTS: dict[str, Callable[[Path], Any]] = {
    "makiserve, one core": _makiserve,
    "makiserve on Spark local[2]": _makiserve_on_spark,
    "Spark window functions by hand, local[2]": _spark_by_hand,
    "pandas by hand": _pandas,
    "Polars by hand": _polars,
}


def _contest(name: str, source: Path, output: Path) -> None:
    result = CONTESTANTS[name](source)
    if isinstance(result, pa.Table):
        parquet.write_table(result, output)
    else:
        result.write.parquet(str(output))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        _contest(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        run(*map(int, sys.argv[1:]))
