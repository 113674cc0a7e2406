"""Scores on Spark are those of a replay, with the model and its source sent to the executors."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import makiserve.spark
from makiserve import replay
from makiserve.errors import ArgumentError, ConfigurationError
from tests.spark.test_features import COLUMNS, in_utc, rows

ORDER = [("station", "ascending"), ("at", "ascending")]


def test_score_is_a_replay_of_the_sorted_rows(spark: SparkSession, model: str) -> None:
    df = spark.createDataFrame(rows(300), COLUMNS)
    scored = in_utc(makiserve.spark.score(df, model, key="station", time="at").toArrow()).sort_by(ORDER)
    source = in_utc(df.toArrow()).sort_by(ORDER)
    expected = replay(model, source, lane_by="station")
    outputs = scored.filter(pa.compute.is_valid(scored.column("prediction")))
    assert outputs.column("prediction").to_pylist() == [value for _, value in expected.outputs]
    offsets = [offset for offset, _ in expected.outputs]
    assert outputs.select(["station", "at"]) == source.select(["station", "at"]).take(offsets)
    dead_letters = scored.filter(pa.compute.is_valid(scored.column("dead_letter"))).column("dead_letter").to_pylist()
    assert [dead_letter["error"] for dead_letter in dead_letters] == [
        str(dead_letter.error) for dead_letter in expected.dead
    ]
    assert {dead_letter["reason"] for dead_letter in dead_letters} == {"operator", "predict"}


def test_score_emit_gives_features_and_record_as_structs(spark: SparkSession, model: str) -> None:
    scored = makiserve.spark.score(
        spark.createDataFrame(rows(80), COLUMNS),
        model,
        key="station",
        time="at",
        emit=["prediction", "features", "record.fahrenheit"],
    )
    kinds = {field.name: field.dataType.simpleString() for field in scored.schema}
    assert kinds["prediction"] == "double"
    assert kinds["features"] == "struct<hour:bigint,last:double,mean of 3:double,count:bigint>"
    assert kinds["record"] == "struct<fahrenheit:double>"
    row = scored.where("dead_letter is null").first()
    assert row is not None
    assert row.features.last == (row.record.fahrenheit - 32) / 1.8


def test_score_model_that_does_not_exist_is_refused(spark: SparkSession, model: str) -> None:
    with pytest.raises(ConfigurationError, match="models:/weather@nobody"):
        makiserve.spark.score(
            spark.createDataFrame(rows(5), COLUMNS), "models:/weather@nobody", key="station", time="at"
        )


def test_score_emit_that_does_not_exist_is_refused(spark: SparkSession, model: str) -> None:
    with pytest.raises(ArgumentError, match="cannot be emitted"):
        makiserve.spark.score(spark.createDataFrame(rows(5), COLUMNS), model, key="station", time="at", emit="speed")
