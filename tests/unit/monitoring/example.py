"""A service that exists only as a snapshot."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from makiserve.monitoring.histogram import BATCH_RECORDS, LATENCY_S, STAGE_S, Histogram, empty
from makiserve.monitoring.snapshot import GroupPartition, LaneStatus, PipelineStep, Service, Snapshot, WorkerStatus
from makiserve.monitoring.totals import Totals

SERVICE = Service(
    uri="models:/house@champion",
    name="house",
    version="3",
    digest="d1",
    makiserve="0.1",
    input="house",
    output="house.predictions",
    dead_letters="house.predictions.dead-letters",
    group="makiserve.house.predictions",
    pipelines=(("features", (PipelineStep("map", "map"),)),),
)


def lane(number: int, phase: str = "running", **other: Any) -> LaneStatus:
    status = LaneStatus(
        "house",
        number,
        phase,
        committed=100,
        next_offset=100,
        end=110,
        lag_records=10,
        lag_s=0.5,
        restored=float(phase == "running"),
    )
    return msgspec.structs.replace(status, **other)


def life(name: str = "worker", age_s: float = 0.0, started_s: float = 1000.0) -> WorkerStatus:
    return WorkerStatus(name, started_s, time.monotonic() - age_s, time.monotonic() - age_s, 250_000_000)


def filled(bounds: tuple[float, ...], *values: float) -> Histogram:
    """The histogram of these values, counted one by one."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[next((index for index, bound in enumerate(bounds) if value <= bound), len(bounds))] += 1
    return Histogram(bounds, counts, sum(values))


def snapshot(**other: Any) -> Snapshot:
    """Two partitions, 100 records, 40 outputs, 3 dead letters."""
    totals = Totals(
        records=100,
        outputs=40,
        dead={"decode": 2, "predict": 1},
        commits=5,
        aborts=1,
        rebalances=2,
        batch=filled(BATCH_RECORDS, 20, 80),
        stages={"decode": filled(STAGE_S, 0.001), "commit": empty(STAGE_S)},
        latency=filled(LATENCY_S, 0.02, 0.2),
    )
    example = Snapshot(
        time_s=2000.0,
        served=SERVICE,
        workers=(life(),),
        lanes=(lane(0), lane(1)),
        totals=msgspec.structs.replace(
            totals, **{name: other.pop(name) for name in totals.__struct_fields__ if name in other}
        ),
        group=(GroupPartition("house", 0, 10), GroupPartition("house", 1, 10)),
    )
    return msgspec.structs.replace(example, **other)
