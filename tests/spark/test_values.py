"""A value in a data frame has the verdict that it has in the Parquet file that Spark writes."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType

import pytest
from pyspark.sql import SparkSession

import makiserve.spark
from makiserve.artifact import features_only
from makiserve.offline import replay
from tests.spark.test_features import conf

SOURCE = """
import typing
from datetime import date, datetime
from decimal import Decimal

import rx

import makiserve
import makiserve.stream as rs


class Row(makiserve.Record):
    number: int
    at: datetime | None = None
    local: datetime | None = None
    day: date | None = None
    price: Decimal | None = None
    whole: int | None = None
    ratio: float | None = None
    name: str | None = None
    times: list[datetime] | None = None


class Words(typing.NamedTuple):
    text: str


def features():
    return rx.pipe(rs.ops.map(lambda row: Words(repr(row))))
"""

ROWS = """
select * from values
  (1, timestamp'2024-03-31 02:30:00.123456', timestamp_ntz'2024-03-31 02:30:00.123456', date'1900-02-28',
   1.50, 7BD, 1.0, 'a', array(timestamp'1700-01-01')),
  (2, null, null, null, null, null, null, null, null),
  (3, timestamp'0001-01-01', timestamp_ntz'9999-12-31 23:59:59.999999', date'9999-12-31',
   -0.01, 8BD, double('NaN'), '', array()),
  (4, timestamp'1970-01-01', null, null, 99999999.99, -3BD, double('infinity'), 'ü', array(null)),
  (5, timestamp'1970-01-01', null, null, 0.00, 9223372036854775807BD, -0.0, 'x', null),
  (6, timestamp'1970-01-01', null, null, 0.00, 9223372036854775808BD, 3, 'x', null)
as t(number, at, local, day, price, whole, ratio, name, times)
"""
"""Year 1 in Nepal is year 0 in UTC, which Python lacks; an infinity; an integer of 65 bits; a null in a list."""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("values")
    (folder / "rows_of_values.py").write_text(SOURCE)
    sys.path.insert(0, str(folder))
    invalidate_caches()
    return import_module("rows_of_values")


def test_values_have_the_verdict_of_a_parquet_file(spark: SparkSession, module: ModuleType, tmp_path: Path) -> None:
    df = spark.sql(ROWS)
    with conf(spark, spark__sql__parquet__outputTimestampType="TIMESTAMP_MICROS"):  # INT96 has no zone
        df.coalesce(1).write.parquet(str(tmp_path / "rows"))
    collected = makiserve.spark.features(
        df.withColumn("all", df["number"] * 0), features=module.features, record=module.Row, key="all", time="number"
    ).collect()
    expected = replay(features_only("rows_of_values"), tmp_path / "rows")
    assert [row.text for row in collected if row.dead_letter is None] == [item["text"] for _, item in expected.outputs]
    assert [row.dead_letter.error for row in collected if row.dead_letter] == [
        str(dead.error) for dead in expected.dead
    ]
    assert [dead.offset for dead in expected.dead] == [2, 3]
