"""Sessions and idle groups on Spark: they end by event time, within each lane."""

from __future__ import annotations

import random
from datetime import timezone
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import makiserve.spark
from makiserve import features_frame
from tests.integration.serving import visits
from tests.spark.test_features import conf

COLUMNS = "number int, place string, user string, at timestamp, value double"
PLACES = ("north", "south", "west")


@pytest.mark.parametrize("batch", [1, 10_000])
@pytest.mark.parametrize("name", visits.MODELS)
def test_windows_that_end_by_event_time_are_those_of_features_frame(spark: SparkSession, name: str, batch: int) -> None:
    lanes = {place: visits.visits(place, seed) for seed, place in enumerate(PLACES)}
    rows = [visit for lane in lanes.values() for visit in lane]
    random.Random(1).shuffle(rows)
    data = [(visit.number, visit.place, visit.user, visit.at, visit.value) for visit in rows]
    options: dict[str, Any] = {
        "features": getattr(visits, name),
        "record": visits.Visit,
        "time": "at",
        "tie_by": "number",
    }
    with conf(spark, spark__sql__execution__arrow__maxRecordsPerBatch=batch):
        df = spark.createDataFrame(data, COLUMNS).repartition(4)
        collected = makiserve.spark.features(df, key="place", **options).collect()
    assert {row.dead_letter for row in collected} == {None}
    on_spark = [
        (row.place, row["at"].astimezone(timezone.utc), (row.user, row.visits, row.total))
        for row in collected  # rows of one lane are in order
    ]
    table = pa.Table.from_pylist([dict(zip(visits.Visit.__struct_fields__, row, strict=True)) for row in data])
    frame = features_frame(table, lane_by="place", **options)
    here = [
        (place, at.to_pydatetime(), (row.user, row.visits, row.total))
        for (place, at, _), row in zip(frame.index, frame.itertuples(), strict=True)
    ]
    for place, lane in lanes.items():
        of_place = [row for row in on_spark if row[0] == place]
        assert of_place == [row for row in here if row[0] == place]
        in_order = sorted(lane, key=lambda visit: (visit.at, visit.number))
        assert sorted(summary for _, _, summary in of_place) == sorted(map(tuple, visits.MODELS[name](in_order)))
        assert len(of_place) > 20
