"""Memory on an executor does not grow with the number of rows of a key."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType

import pyarrow as pa

from makiserve.scoring import Batch
from makiserve.spark.executor import run_partition
from makiserve.spark.job import SparkJob
from makiserve.spark.packages import opened, package_of
from makiserve.spark.result_columns import columns_of
from tests.spark.test_features import START

ROWS, BATCHES, FIRST = 1_000, 50, 10
SCHEMA = pa.schema([("station", pa.string()), ("at", pa.timestamp("us", "UTC")), ("fahrenheit", pa.float64())])


def batches() -> Iterator[pa.RecordBatch]:
    """Yield the rows of one key."""
    for start in range(0, BATCHES * ROWS, ROWS):
        times = [START + timedelta(seconds=number) for number in range(start, start + ROWS)]
        values = [float(number % 90) for number in range(ROWS)]
        yield pa.RecordBatch.from_arrays(
            [pa.array(["s0"] * ROWS), pa.array(times, SCHEMA[1].type), values], schema=SCHEMA
        )


def test_memory_does_not_grow_with_the_rows_of_a_key(weather: ModuleType) -> None:
    pipeline = opened(weather.features, weather.Reading)
    sample = [weather.Reading("s0", START + timedelta(seconds=number), 50.0) for number in range(10)]
    (scored,) = pipeline.scorer.score([Batch(pipeline.scorer.new_lane(), sample)])
    columns = columns_of(pipeline.form, scored, weather.Reading, sample)
    job = SparkJob(package_of(weather.features, weather.Reading), "station", "at", (), None, columns)
    sizes, rows = [], 0
    tracemalloc.start()
    try:
        for output in run_partition(pickle.dumps(job), batches()):
            rows += output.num_rows
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes())
    finally:
        tracemalloc.stop()
    assert rows == BATCHES * ROWS - 2  # the windows of three
    output_bytes = output.nbytes
    assert max(sizes[FIRST:]) - sizes[FIRST] < 2 * output_bytes < (BATCHES - FIRST) * output_bytes / 10
