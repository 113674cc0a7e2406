"""The same events as a Delta table, an Iceberg table, a folder, a file and data frames."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import deltalake
import duckdb
import polars as pl
import pyarrow as pa
import rx
from pyarrow import parquet

import makiserve
import makiserve.stream as rs
from makiserve.offline.sources import sources_from
from makiserve.records import Schema
from makiserve.records.order import Order

TABLES = Path(__file__).parent / "tables"
"""Tables that Spark has written."""
START = datetime(2026, 11, 1, tzinfo=timezone.utc)


class Event(makiserve.Record):
    at: datetime
    day: date
    sensor: str
    number: int
    value: float | None = None
    amount: float | None = None


class Features(NamedTuple):
    number: int
    day: date
    total: float


def features() -> makiserve.Transform:
    total = rs.math.sum(lambda event: event.value, reduce=False, skip_missing=True)
    return rx.pipe(
        rs.ops.tee_map(rs.ops.map(lambda event: event), total),
        rs.ops.map(lambda pair: Features(pair[0].number, pair[0].day, pair[1])),
    )


ROWS = [
    {
        "at": START + timedelta(hours=number // 2),
        "day": (START + timedelta(hours=number // 2)).date(),
        "sensor": "xy"[number % 2],
        "number": number,
        "value": None if number % 7 == 3 else number / 8,
        "amount": 2.5,
    }
    for number in range(200)
]


TABLE = pa.Table.from_pylist(ROWS)


OPTIONS: dict[str, Any] = {"lane_by": "sensor", "time": "at"}


def shuffled() -> pa.Table:
    order = list(range(TABLE.num_rows))
    random.Random(7).shuffle(order)
    return TABLE.take(order)


def frame_of(source: Any, **options: Any) -> Any:
    return makiserve.features_frame(source, features=features, record=Event, as_="arrow", **{**OPTIONS, **options})


def as_csv(folder: Path) -> str:
    TABLE.to_pandas().to_csv(folder / "events.csv", index=False)
    return str(folder / "events.csv")


def as_parquet(folder: Path) -> str:
    parquet.write_table(TABLE, folder / "events.parquet")
    return str(folder / "events.parquet")


def as_delta(folder: Path) -> str:
    deltalake.write_deltalake(str(folder / "delta"), shuffled(), partition_by=["day"])
    return f"delta:{folder / 'delta'}"


def as_folder(folder: Path) -> str:
    shuffled().to_pandas().to_parquet(folder / "events", partition_cols=["day", "sensor"])
    (folder / "events" / "_SUCCESS").touch()
    return str(folder / "events")


def as_iceberg(folder: Path) -> str:
    from pyiceberg.catalog import load_catalog  # slow to import, and only slow tests need it

    with closing(load_catalog("lake")) as catalog:
        catalog.create_namespace("home")
        catalog.create_table("home.events", schema=TABLE.schema).append(shuffled())
    return "iceberg:lake.home.events"


SOURCES: dict[str, Callable[[Path], Any]] = {
    "csv": as_csv,
    "parquet": as_parquet,
    "delta": as_delta,
    "iceberg": as_iceberg,
    "folder": as_folder,
    "pandas": lambda folder: shuffled().to_pandas(),
    "polars": lambda folder: pl.DataFrame(shuffled()),
    "duckdb": lambda folder: duckdb.connect().from_arrow(shuffled()),
    "pyarrow": lambda folder: shuffled(),
}


def records(name: str, record: type[makiserve.Record], time: str) -> list[Any]:
    (source,) = sources_from(name, Order(time))
    return [row for block in source.blocks(Schema(record)) for row in block.records]
