"""Lake tables as sources: the same rows give the same bytes from a table as from a file or data frame."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deltalake
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.artifact.reference.reference import take_sample
from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.sources import sources_from
from makiserve.records import Schema, sorting
from makiserve.records.lake import open_table
from makiserve.records.order import Order
from makiserve.stream.engine.trace import trace
from tests.unit.offline.conftest import model as model
from tests.unit.records.lake.event_tables import (
    ROWS,
    SOURCES,
    TABLE,
    Event,
    as_delta,
    features,
    frame_of,
)


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


def test_memory_does_not_grow_with_the_row_groups_of_a_folder(tmp_path: Path) -> None:
    """Arrow decodes some batches ahead, but does not keep what has been read."""
    path, before = tmp_path / "day=1" / "values.parquet", pa.total_allocated_bytes()
    path.parent.mkdir()
    chance = np.random.default_rng(3)
    with parquet.ParquetWriter(path, pa.schema([("value", pa.float64())]), use_dictionary=False) as writer:
        for _ in range(200):
            writer.write_table(pa.table({"value": chance.random(50_000)}))
    held = max(pa.total_allocated_bytes() - before for _ in open_table(str(tmp_path)).scan(["value"]))
    assert held < path.stat().st_size / 2


@pytest.mark.parametrize("kind", ["delta", pytest.param("iceberg", marks=pytest.mark.slow), "folder"])
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
