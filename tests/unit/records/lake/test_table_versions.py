"""Versions, snapshots and files of tables are read as they were written."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from pyarrow import parquet

import makiserve
from makiserve.offline.sources import sources_from
from makiserve.records import Schema
from makiserve.records.lake import open_table
from makiserve.records.order import Order
from tests.unit.records.lake.event_tables import (
    OPTIONS,
    TABLES,
    Event,
    as_delta,
    as_iceberg,
    features,
    frame_of,
    records,
)


class Value(makiserve.Record):
    value: int


class Person(makiserve.Record):
    company: str = makiserve.field(name="Company Very Short")
    name: str = makiserve.field(name="Super Name")


def test_deletion_vectors_of_spark_are_applied() -> None:
    path = TABLES / "deletion-vector"
    assert records(f"delta:{path}@0", Value, "value") == [Value(number) for number in range(10)]
    assert records(f"delta:{path}", Value, "value") == [Value(number) for number in range(1, 9)]


def test_columns_that_spark_has_renamed_have_their_names() -> None:
    assert records(f"delta:{TABLES / 'column-mapping'}", Person, "name") == [
        Person("BMS", "Anthony Johnson"),
        Person("BMS", "Mr. Daniel Ferguson MD"),
        Person("BMS", "Nathan Bennett"),
        Person("BMS", "Stephanie Mcgrath"),
        Person("BME", "Timothy Lamb"),
    ]


def test_a_version_is_read_as_it_was(tmp_path: Path) -> None:
    name = as_delta(tmp_path)
    first = frame_of(name)
    deltalake.DeltaTable(name.removeprefix("delta:")).delete("number < 100")
    assert frame_of(name).num_rows == 100
    assert frame_of(f"{name}@0").equals(first)
    frame = makiserve.features_frame(name, features=features, record=Event, **OPTIONS)
    assert frame.attrs["sources"] == [f"{name}@1"]


@pytest.mark.slow
def test_a_snapshot_is_read_as_it_was_with_the_names_of_its_schema(tmp_path: Path) -> None:
    name = as_iceberg(tmp_path)
    from pyiceberg.catalog import load_catalog  # slow to import, and only slow tests need it

    with closing(load_catalog("lake")) as catalog:
        table = catalog.load_table("home.events")
        first = table.current_snapshot()
        assert first
        expected = frame_of(name)
        table.delete("number < 100")
        with table.update_schema() as update:
            update.rename_column("value", "measured")

    class Renamed(makiserve.Record):
        at: datetime
        number: int
        measured: float | None

    assert [row.number for row in records_of_iceberg(name, Renamed)] == list(range(100, 200))
    assert frame_of(f"{name}@{first.snapshot_id}").equals(expected)


def test_an_iceberg_table_leaves_no_connection_to_its_catalog(tmp_path: Path) -> None:
    table = open_table(as_iceberg(tmp_path))
    assert table.name.startswith("iceberg:lake.home.events@")
    files = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert tmp_path / "catalog.db" not in files


def records_of_iceberg(name: str, record: type[makiserve.Record]) -> list[Any]:
    (source,) = sources_from(name, Order("at", ("number",)))
    return [row for block in source.blocks(Schema(record)) for row in block.records]


def test_files_of_a_folder_may_have_further_columns_and_null_partitions(tmp_path: Path) -> None:
    class Reading(makiserve.Record):
        at: int
        zone: str | None
        code: str
        rain: float | None = None

    for path, columns in {
        "zone=a%2Fb/code=01/1.parquet": {"at": pa.array([3], pa.int32())},
        "zone=__HIVE_DEFAULT_PARTITION__/code=1.5/2.parquet": {"at": [1], "rain": [0.5]},
    }.items():
        (tmp_path / path).parent.mkdir(parents=True)
        parquet.write_table(pa.table(columns), tmp_path / path)
    assert records(str(tmp_path), Reading, "at") == [Reading(1, None, "1.5", 0.5), Reading(3, "a/b", "01")]
