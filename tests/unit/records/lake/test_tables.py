"""Lake tables as sources: the same rows give the same bytes from a table as from a file or data frame."""

from __future__ import annotations

import pickle
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import deltalake
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyiceberg.catalog
import pytest
import rx
from pyarrow import parquet

import makiserve
import makiserve.stream as rs
from makiserve.artifact import PackagedModel
from makiserve.artifact.reference.reference import take_sample
from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.sources import sources_from
from makiserve.records import Schema, sorting
from makiserve.records.lake import open_table
from makiserve.records.order import Order
from makiserve.stream.engine.trace import trace
from tests.catalog import set_catalog
from tests.loops import loop_over
from tests.unit.offline.conftest import model as model

TABLES = Path(__file__).parent / "tables"
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
    with closing(pyiceberg.catalog.load_catalog("lake")) as catalog:
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


@pytest.fixture(autouse=True)
def _catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_catalog(monkeypatch, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCES)
def test_the_same_rows_give_the_same_bytes_from_every_source(tmp_path: Path, kind: str) -> None:
    expected = frame_of(TABLE)
    assert expected.num_rows == 200
    frame = frame_of(SOURCES[kind](tmp_path))
    assert frame.equals(expected)
    assert ipc(frame) == ipc(expected)


def ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["delta", "iceberg", "folder", "polars"])
def test_rows_that_do_not_fit_into_memory_are_sorted_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    source, expected = SOURCES[kind](tmp_path), frame_of(TABLE)
    on_disk: list[str] = []
    real = sorting._sorted_on_disk

    def watched(held: Any, more: Any, titles: Any, name: str) -> Iterator[pa.RecordBatch]:
        on_disk.append(name)
        return real(held, more, titles, name)

    assert frame_of(source).equals(expected)
    assert not on_disk
    monkeypatch.setattr(sorting, "_sorted_on_disk", watched)
    monkeypatch.setattr(sorting, "is_too_large", lambda size: size > 100)
    assert frame_of(source).equals(expected)
    assert len(on_disk) == 1


def test_a_key_that_is_null_is_reported_from_disk_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "is_too_large", lambda size: size > 100)
    table = pa.Table.from_pylist([*ROWS, ROWS[0] | {"at": None}], schema=TABLE.schema)
    with pytest.raises(SourceError, match="'at' is null in row 200, so the row has no place in the order"):
        frame_of(table.to_reader(max_chunksize=50))


def test_sorting_on_disk_needs_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "is_too_large", lambda size: size > 100)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigurationError, match=r"the Table: .*needs DuckDB: pip install 'makiserve\[lake\]'"):
        frame_of(TABLE)


class Value(makiserve.Record):
    value: int


class Person(makiserve.Record):
    company: str = makiserve.field(name="Company Very Short")
    name: str = makiserve.field(name="Super Name")


def records(name: str, record: type[makiserve.Record], time: str) -> list[Any]:
    (source,) = sources_from(name, Order(time))
    return [row for block in source.blocks(Schema(record)) for row in block.records]


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
    with closing(pyiceberg.catalog.load_catalog("lake")) as catalog:
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


@pytest.mark.parametrize("kind", ["delta", "iceberg", "folder"])
@pytest.mark.slow
def test_a_table_without_an_order_is_refused(tmp_path: Path, kind: str) -> None:
    source = SOURCES[kind](tmp_path)
    with pytest.raises(ConfigurationError, match=r"the rows of a table have no order, .* by time= or --order-by"):
        makiserve.features_frame(source, features=features, record=Event)
    with pytest.raises(ConfigurationError, match="the rows of a table have no order"):
        take_sample(trace(features()), Schema(Event), source)


@loop_over(
    ("name", "words"),
    [
        ("delta:nowhere", "delta:nowhere: no Delta table can be opened: .* Check that the path .* _delta_log"),
        ("delta:nowhere@3", "delta:nowhere: no Delta table can be opened: "),
        ("delta:ftq://nowhere/x", "delta:ftq://nowhere/x: no Delta table can be opened: "),
        (
            f"delta:{TABLES / 'deletion-vector'}@7",
            "deletion-vector@7: the table has no version 7, or its files were removed; its latest version is 1",
        ),
        ("iceberg:lake.home.nothing", "iceberg:lake.home.nothing: NoSuchTableError: "),
        (
            "iceberg:nowhere.home.events",
            "iceberg:nowhere.home.events: the catalog 'nowhere' cannot be opened: .* PYICEBERG_CATALOG__NOWHERE__URI",
        ),
    ],
)
def test_a_table_that_does_not_exist_is_named(name: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        open_table(name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("delta:", "delta:PATH[@VERSION]"),
        ("iceberg:", "iceberg:CATALOG.NAMESPACE.TABLE[@SNAPSHOT]"),
        ("iceberg:events", "iceberg:CATALOG.NAMESPACE.TABLE[@SNAPSHOT]"),
        ("iceberg:home.events@3", "iceberg:CATALOG.NAMESPACE.TABLE[@SNAPSHOT]"),
    ],
)
def test_an_incomplete_name_is_refused_with_the_form(name: str, form: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"expected {form}")):
        open_table(name)


def test_a_snapshot_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"iceberg:lake\.home\.events@5: the table has no snapshot with this ID"):
        open_table(f"{as_iceberg(tmp_path)}@5")


@pytest.mark.parametrize("name", ["delta:x", "iceberg:x.y.z"])
def test_a_table_needs_its_library(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind = name.split(":", maxsplit=1)[0]
    library = {"delta": "deltalake", "iceberg": "pyiceberg"}[kind]
    monkeypatch.delitem(sys.modules, f"makiserve.records.lake.{kind}", raising=False)
    for module in (library, "pyiceberg.catalog"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=rf"needs {library}: pip install 'makiserve\[lake\]'"):
        open_table(name)


@pytest.mark.parametrize("kind", ["delta", "iceberg"])
def test_a_version_whose_files_are_removed_while_it_is_read_is_refused(tmp_path: Path, kind: str) -> None:
    (source,) = sources_from(SOURCES[kind](tmp_path), Order("at", (), "sensor"))
    for file in tmp_path.rglob("*.parquet"):
        file.unlink()
    with pytest.raises(SourceError, match=r"cannot be read: .*while it was read, read the"):
        list(source.blocks(Schema(Event)))


def test_memory_does_not_grow_with_the_row_groups_of_a_folder(tmp_path: Path) -> None:
    """Arrow decodes some batches ahead, but does not keep what has been read."""
    path, before = tmp_path / "day=1" / "values.parquet", pa.total_allocated_bytes()
    path.parent.mkdir()
    chance = np.random.default_rng(3)
    with parquet.ParquetWriter(path, pa.schema([("value", pa.float64())]), use_dictionary=False) as writer:
        for _ in range(100):
            writer.write_table(pa.table({"value": chance.random(50_000)}))
    held = max(pa.total_allocated_bytes() - before for _ in open_table(str(tmp_path)).scan(["value"]))
    assert held < path.stat().st_size / 2


def test_a_folder_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    (source,) = sources_from(as_folder(tmp_path), Order("at", (), "sensor"))
    parquet.write_table(TABLE, tmp_path / "events" / "more.parquet")
    with pytest.raises(SourceError, match="events/: the files changed while they were read"):
        list(source.blocks(Schema(Event)))


class Missing(makiserve.Record):
    at: datetime
    rain: float


def test_a_table_lacks_a_field(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"delta:.*@0: the header lacks 'rain'"):
        records(as_delta(tmp_path), Missing, "at")


@pytest.mark.parametrize("kind", ["delta", "iceberg", "folder"])
def test_another_process_reads_the_same_version(tmp_path: Path, kind: str) -> None:
    (source,) = sources_from(SOURCES[kind](tmp_path), Order("at", (), "sensor"))
    copy = pickle.loads(pickle.dumps(source))
    assert copy.name == source.name
    read, again = (
        [record for block in table_source.blocks(Schema(Event)) for record in block.records]
        for table_source in (source, copy)
    )
    assert len(read) == 200
    assert again == read


def test_the_version_is_in_the_report_and_with_the_reference(tmp_path: Path, model: PackagedModel) -> None:
    path = tmp_path / "house"
    readings = pd.DataFrame({"time": range(40), "house": ["a", "b"] * 20, "power [kW]": [n % 5 for n in range(40)]})
    deltalake.write_deltalake(str(path), pa.Table.from_pandas(readings.sample(frac=1, random_state=1)))
    report = makiserve.replay(model, f"delta:{path}", time="time", label="power", report=True).report
    assert report
    (origin,) = report.origins
    assert (origin.name, origin.records) == (f"delta:{path}@0", 40)
    assert origin.place.endswith("house/@0")
    sample = take_sample(trace(features()), Schema(Event), as_delta(tmp_path), Order("at", ("number",)))
    assert sample.table == f"delta:{tmp_path / 'delta'}@0"
    assert [record.number for record in sample.records[:3]] == [0, 1, 2]  # type: ignore[attr-defined]
