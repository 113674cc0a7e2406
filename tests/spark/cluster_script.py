"""Features and scores in a session whose executors do not have the pipeline's file: compared with this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow
import pyarrow as pa
from pyspark.sql import SparkSession

import makiserve.spark
from makiserve import replay
from tests.spark.conftest import JVM, start
from tests.spark.model import log_weather
from tests.spark.test_features import COLUMNS, as_bytes, here, in_utc, on_spark, rows
from tests.spark.weather import write_weather


def main(master: str, folder: Path) -> None:
    """Raise if they differ."""
    if master == "connect":  # local[2] does not repeat tasks
        os.environ["PYSPARK_PYTHON"] = sys.executable
        builder = SparkSession.builder.remote("local[2]").config("spark.driver.extraJavaOptions", JVM)
        session = builder.config("spark.sql.shuffle.partitions", "3").getOrCreate()
    else:
        session = start(master, folder)
    (folder / "driver").mkdir()
    mark = folder / "died"
    if master == "connect":
        mark.touch()
    weather = write_weather(folder / "driver", "weather_that_travels", f"lives({str(mark)!r}) and len(readings)")
    data = rows(200)
    df = session.createDataFrame(data, COLUMNS)
    on_executors = on_spark(df, weather)
    schema = pa.schema([field.with_nullable(True) for field in on_executors.schema])
    assert as_bytes(on_executors, schema) == as_bytes(here(df, weather), schema)
    assert mark.exists()  # the process of a task ended, and Spark repeated the task
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    uri = log_weather(weather, folder)
    scored = makiserve.spark.score(df, uri, key="station", time="at").where("dead_letter is null").toArrow()
    expected = replay(
        uri, in_utc(df.toArrow().sort_by([("station", "ascending"), ("at", "ascending")])), lane_by="station"
    )
    values = in_utc(scored).sort_by([("station", "ascending"), ("at", "ascending")]).column("prediction").to_pylist()
    assert values == [value for _, value in expected.outputs]
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
