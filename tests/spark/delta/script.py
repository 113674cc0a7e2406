"""Spark writes a Delta table with deletion vectors and other names in its files; both read each version."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pyarrow as pa
from pyspark.sql import SparkSession

import makiserve
from tests.spark.conftest import start
from tests.spark.test_features import COLUMNS, PLACE, as_bytes, here, on_spark, rows
from tests.spark.weather import write_weather

SESSION = {
    "spark__sql__extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark__sql__catalog__spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark__databricks__delta__snapshotPartitions": "1",
    "spark__ui__showConsoleProgress": "false",
}
PROPERTIES = "'delta.enableDeletionVectors' = 'true', 'delta.columnMapping.mode' = 'name'"


def main(jars: str, folder: Path) -> None:
    """Raise if a version differs."""
    session = start("local[2]", folder, spark__jars=jars, **SESSION)
    (folder / "driver").mkdir()
    weather, path = write_weather(folder / "driver", "weather_of_delta"), folder / "lake"
    versions = write(session, path)
    counts = [compare(session, weather, path, version) for version in range(versions)]
    json.dump(counts, sys.stdout)
    session.stop()


def write(session: SparkSession, path: Path) -> int:
    """Write a table, change it, and return the number of its versions."""
    table = f"delta.`{path}`"
    session.sql(f"create table {table} ({COLUMNS}) using delta tblproperties ({PROPERTIES})")
    session.createDataFrame(rows(300), COLUMNS).repartition(2).createOrReplaceTempView("readings")
    session.sql(f"insert into {table} select * from readings")
    session.sql(f"delete from {table} where fahrenheit < 0 or minute(at) = 30")
    session.sql(f"update {table} set fahrenheit = fahrenheit / 3 where station = 's1'")
    session.sql(
        f"merge into {table} t using (select * from readings where station = 's2') r on t.station = r.station and "
        "t.at = r.at when matched and t.fahrenheit > 60 then delete when not matched then insert *"
    )
    session.sql(f"delete from {table} where station = 's0' and fahrenheit > 50")
    session.sql(f"reorg table {table} apply (purge)")
    return session.sql(f"describe history {table}").count()


def compare(session: SparkSession, weather: ModuleType, path: Path, version: int) -> int:
    """Compare the features of one version, and return how many there are."""
    frame = makiserve.features_frame(
        f"delta:{path}@{version}", features=weather.features, record=weather.Reading, lane_by="station", time="at"
    )
    if not version:  # the table has no rows yet, which Spark cannot infer columns from
        assert frame.empty
        return 0
    df = session.read.format("delta").option("versionAsOf", version).load(str(path))
    from_delta = pa.Table.from_pandas(frame.reset_index(), preserve_index=False).sort_by(
        [(name, "ascending") for name in PLACE]
    )
    on_executors = on_spark(df, weather)
    schema = pa.schema([field.with_nullable(True) for field in on_executors.schema])
    assert as_bytes(from_delta, schema) == as_bytes(here(df, weather), schema) == as_bytes(on_executors, schema), (
        version
    )
    return from_delta.num_rows


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
