"""Features on Spark are those of `features_frame`, whatever the partitions, the batches and the order of the rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import lit

import makiserve.spark
from makiserve import features_frame
from makiserve.errors import ArgumentError, ConfigurationError, SourceError
from makiserve.spark.frames import _OrderedRows
from makiserve.spark.packages import opened, package_of
from makiserve.spark.result_columns import OutputColumn, OutputColumns

START = datetime(2024, 3, 30, 20, tzinfo=timezone.utc)
COLUMNS = "station string, at timestamp, fahrenheit double"
PLACE = ["station", "at"]


def rows(count: int, *, stations: int = 4, share_of_first: float = 0.25, seed: int = 0) -> list[tuple[Any, ...]]:
    """Rows in random order; some without a value, some below absolute zero, which the pipeline refuses."""
    rng, generated = random.Random(seed), []
    for index in range(count):
        station = 0 if rng.random() < share_of_first else rng.randrange(stations)
        value = rng.choice([None, -500.0, *(rng.uniform(-40, 110) for _ in range(12))])
        generated.append((f"s{station}", START + timedelta(minutes=7 * index, microseconds=index), value))
    rng.shuffle(generated)
    return generated


@contextmanager
def conf(spark: SparkSession, **options: Any) -> Iterator[None]:
    names = {name.replace("__", "."): str(value) for name, value in options.items()}
    before = {name: spark.conf.get(name) for name in names}
    for name, value in names.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


def on_spark(df: DataFrame, module: ModuleType, **options: Any) -> pa.Table:
    """Return the features, without dead letters, sorted and with times in UTC."""
    features = makiserve.spark.features(
        df, features=module.features, record=module.Reading, key="station", time="at", **options
    )
    table = features.where("dead_letter is null").drop("dead_letter").toArrow()
    return in_utc(table.sort_by([(name, "ascending") for name in PLACE]))


def here(df: DataFrame, module: ModuleType) -> pa.Table:
    """Return what `features_frame` gives for the sorted rows, with the columns of the result on Spark."""
    source = in_utc(df.toArrow().sort_by([(name, "ascending") for name in PLACE]))
    frame = features_frame(source, features=module.features, record=module.Reading, lane_by="station")
    features = pa.Table.from_pandas(frame.reset_index(), preserve_index=False)
    times = source.column("at").take(features.column("offset"))
    table = features.drop(["offset"]).add_column(1, "at", times)
    return table.sort_by([(name, "ascending") for name in PLACE])


def in_utc(table: pa.Table) -> pa.Table:
    return table.set_column(table.column_names.index("at"), "at", table.column("at").cast(pa.timestamp("us", "UTC")))


def as_bytes(table: pa.Table, schema: pa.Schema) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table.select(schema.names).cast(schema).combine_chunks())
    return bytes(sink.getvalue())


@settings(
    max_examples=12,
    derandomize=True,
    phases=[Phase.generate],  # each example is several Spark jobs
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    count=st.integers(40, 400),
    partitions=st.integers(1, 7),
    batch=st.sampled_from([1, 7, 10_000]),
    is_skewed=st.booleans(),
    seed=st.integers(0, 999),
)
def test_features_equal_features_frame_for_any_partitioning(
    spark: SparkSession, weather: ModuleType, count: int, partitions: int, batch: int, is_skewed: bool, seed: int
) -> None:
    data = rows(count, share_of_first=0.8 if is_skewed else 0.25, seed=seed)
    df = spark.createDataFrame(data, COLUMNS).repartition(partitions)
    options = {"spark__sql__shuffle__partitions": partitions, "spark__sql__execution__arrow__maxRecordsPerBatch": batch}
    expected = here(df, weather)
    with conf(spark, **options):
        actual = on_spark(df, weather)
    schema = pa.schema([field.with_nullable(True) for field in actual.schema])
    assert as_bytes(actual, schema) == as_bytes(expected, schema)


def test_features_result_has_the_types_of_the_annotations(spark: SparkSession, weather: ModuleType) -> None:
    features = makiserve.spark.features(
        spark.createDataFrame(rows(60), COLUMNS),
        features=weather.features,
        record=weather.Reading,
        key="station",
        time="at",
    )
    assert [(field.name, field.dataType.simpleString()) for field in features.schema] == [
        ("station", "string"),
        ("at", "timestamp"),
        ("hour", "bigint"),
        ("last", "double"),
        ("mean of 3", "double"),
        ("count", "bigint"),
        ("dead_letter", "struct<reason:string,error:string>"),
    ]


def test_features_record_that_fails_is_a_row_with_its_dead_letter(spark: SparkSession, weather: ModuleType) -> None:
    data = rows(200)
    features = makiserve.spark.features(
        spark.createDataFrame(data, COLUMNS),
        features=weather.features,
        record=weather.Reading,
        key="station",
        time="at",
    )
    dead = features.where("dead_letter is not null").collect()
    assert {(row.station, row.at.astimezone(timezone.utc)) for row in dead} == {
        (station, at) for station, at, value in data if value == -500
    }
    assert {row.dead_letter.reason for row in dead} == {"operator"}
    assert "below absolute zero" in dead[0].dead_letter.error
    assert {row.last for row in dead} == {None}


def test_features_emit_from_returns_the_end_of_the_same_result(spark: SparkSession, weather: ModuleType) -> None:
    df, first = spark.createDataFrame(rows(300), COLUMNS), START + timedelta(minutes=7 * 150)
    whole, end = on_spark(df, weather), on_spark(df, weather, emit_from=first)
    assert 0 < end.num_rows < whole.num_rows
    assert end == whole.filter(
        pa.compute.greater_equal(whole.column("at"), pa.scalar(first, pa.timestamp("us", "UTC")))
    )


def test_features_tie_without_tie_by_is_refused(spark: SparkSession, weather: ModuleType) -> None:
    data = [*rows(50), ("s0", START + timedelta(days=9), 1.0), ("s0", START + timedelta(days=9), 2.0)]
    with pytest.raises(PythonException, match=r"same at \(station=s0.*tie_by="):
        on_spark(spark.createDataFrame(data, COLUMNS), weather)


def test_features_tie_by_decides_the_order(spark: SparkSession, weather: ModuleType) -> None:
    data = [(station, at, value, 0) for station, at, value in rows(50)]
    data += [("s0", START + timedelta(days=9), float(60 + number), number) for number in (2, 0, 1)]
    features = makiserve.spark.features(
        spark.createDataFrame(data, f"{COLUMNS}, number int"),
        features=weather.features,
        record=weather.Reading,
        key="station",
        time="at",
        tie_by="number",
    )
    last = [row["last"] for row in features.where("at > '2024-04-05'").orderBy("number").collect()]
    assert last == [(60 - 32) / 1.8, (61 - 32) / 1.8, (62 - 32) / 1.8]


@pytest.mark.parametrize(
    ("row", "message"),
    [((None, START, 1.0), "has no station .*station is not null"), (("s0", None, 1.0), "has no at .*at is not null")],
)
def test_features_row_without_key_or_time_is_refused(
    spark: SparkSession, weather: ModuleType, row: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(PythonException, match=message):
        on_spark(spark.createDataFrame([*rows(50), row], COLUMNS), weather)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "when"}, "time='when': not a column of the data frame; it has station, at, fahrenheit"),
        ({"key": "who"}, "key='who': not a column"),
        ({"tie_by": "x"}, "tie_by='x': not a column"),
        ({"time": "station"}, "time='station': a column of type string does not order"),
        ({"time": "at", "key": "at"}, "time='at': this column is already the key"),
        ({"tie_by": ["fahrenheit", "at"]}, "tie_by='at': this column is already the key, the time or a tie"),
        ({"emit_from": 3}, "emit_from=3: not a value of the time column at, whose type is timestamp"),
    ],
)
def test_features_wrong_column_is_refused_at_once(
    spark: SparkSession, weather: ModuleType, options: dict[str, Any], message: str
) -> None:
    df = spark.createDataFrame(rows(5), COLUMNS)
    with pytest.raises(ArgumentError, match=message):
        makiserve.spark.features(
            df, features=weather.features, record=weather.Reading, **{"key": "station", "time": "at", **options}
        )


def test_features_data_frame_without_a_field_is_refused(spark: SparkSession, weather: ModuleType) -> None:
    df = spark.createDataFrame(rows(5), COLUMNS).withColumnRenamed("station", "name")
    with pytest.raises(SourceError, match="lacks 'station'"):
        makiserve.spark.features(df, features=weather.features, record=weather.Reading, key="name", time="at")


@pytest.mark.parametrize("other", ["Station", "AT", "FAHRENHEIT"])
def test_features_columns_that_differ_only_in_case_are_refused(
    spark: SparkSession, weather: ModuleType, other: str
) -> None:
    df = spark.createDataFrame(rows(40), COLUMNS).select("*", lit(1).alias(other))
    with pytest.raises(SourceError, match=f"and {other!r}, which are the same name for Spark: .*caseSensitive"):
        on_spark(df, weather)
    with conf(spark, spark__sql__caseSensitive="true"):
        assert on_spark(df, weather).num_rows > 0


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["celsius", "Celsius"], "the columns 'celsius' and 'Celsius', which are the same name for Spark: rename the"),
        (["celsius", "DEAD_letter"], "the columns 'DEAD_letter' and 'dead_letter', which are the same name for Spark"),
        (["station"], "key='station': the outputs also have a column 'station'. Give the column of the lanes"),
        (["At"], "time='at': the outputs also have a column 'At'. Give the column"),
    ],
)
def test_features_outputs_that_spark_cannot_distinguish_are_refused(
    spark: SparkSession, weather: ModuleType, names: list[str], words: str
) -> None:
    df = spark.createDataFrame(rows(5), COLUMNS)
    ordered = _OrderedRows(df, opened(weather.features, weather.Reading), "station", "at", (), None)
    columns = OutputColumns(tuple(OutputColumn(name, pa.float64()) for name in names))
    with pytest.raises(ConfigurationError, match=words):
        ordered.computed(package_of(weather.features, weather.Reading), columns)
    kind = pa.struct([(name, pa.float64()) for name in names])
    part = OutputColumn("features", kind, fields=columns.columns)
    if len({name.lower() for name in names}) < len(names):
        with pytest.raises(ConfigurationError, match=words):
            ordered.computed(package_of(weather.features, weather.Reading), OutputColumns((part,)))


def test_features_no_output_in_the_first_rows_is_explained(spark: SparkSession, weather: ModuleType) -> None:
    df = spark.createDataFrame([("s0", START, -500.0)], COLUMNS)
    with pytest.raises(ConfigurationError, match=r"emits nothing for the first 1 rows.*below absolute zero"):
        on_spark(df, weather)
