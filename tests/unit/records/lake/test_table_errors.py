"""The errors of tables that cannot be opened or read."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path

import pytest
from pyarrow import parquet

import makiserve
from makiserve.artifact.reference.reference import take_sample
from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.sources import sources_from
from makiserve.records import Schema
from makiserve.records.lake import open_table
from makiserve.records.order import Order
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.records.lake.event_tables import (
    SOURCES,
    TABLE,
    TABLES,
    Event,
    as_delta,
    as_folder,
    as_iceberg,
    features,
    records,
)


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
