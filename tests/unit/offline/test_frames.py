"""Data frames of every library as sources: the same features, columns and indexes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.artifact.reference.reference import take_sample
from makiserve.errors import SourceError
from makiserve.records import Schema
from makiserve.stream.engine.trace import trace
from tests.unit.offline.sensor_frames import TABLE, Event, features, frame_of, shuffled


def from_duckdb(table: pa.Table) -> Any:
    return duckdb.connect().from_arrow(table)


def with_categories(table: pa.Table) -> pd.DataFrame:
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    return table.to_pandas().astype(dict.fromkeys(texts, "category"))


LIBRARIES: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow": lambda table: table,
    "reader": lambda table: table.to_reader(max_chunksize=7),
    "pandas": lambda table: table.to_pandas(),
    "pandas with Arrow types": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas with categories": with_categories,
    "polars": pl.from_arrow,
    "polars with categories": lambda table: pl.DataFrame(table).with_columns(pl.col(pl.String).cast(pl.Categorical)),
    "duckdb": from_duckdb,
}


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Callable[[pa.Table], Any]:
    return LIBRARIES[request.param]


def test_every_library_gives_the_features_of_a_file(tmp_path: Path, library: Callable[[pa.Table], Any]) -> None:
    path = tmp_path / "events.csv"
    TABLE.to_pandas().to_csv(path, index=False)
    expected = frame_of(path, lane_by="sensor", time="at", as_="arrow")
    actual = frame_of(library(TABLE), lane_by="sensor", time="at", as_="arrow")
    assert actual.equals(expected)


def test_rows_in_any_order_are_sorted(library: Callable[[pa.Table], Any]) -> None:
    actual = frame_of(library(shuffled()), lane_by="sensor", time="at", as_="arrow")
    assert actual.equals(frame_of(TABLE, lane_by="sensor", time="at", as_="arrow"))


def test_a_time_that_is_text_is_sorted_as_a_time() -> None:
    texts = ["2026-11-01T10:00:00+02:00", "2026-11-01T09:00:00Z", "2026-11-01T09:30:00+01:00"]
    table = pa.table({"at": texts, "sensor": ["x"] * 3, "number": [0, 2, 1]})
    assert list(frame_of(table, time="at")["number"]) == [0, 1, 2]


def test_a_model_is_replayed_on_a_frame(
    model: PackagedModel, tmp_path: Path, library: Callable[[pa.Table], Any]
) -> None:
    table = pa.table({"time": list(range(30)), "house": ["a", "b", "c"] * 10, "power [kW]": [n / 4 for n in range(30)]})
    path = tmp_path / "house.csv"
    table.to_pandas().to_csv(path, index=False)
    options: dict[str, Any] = {"lane_by": "house", "label": "power", "label_ahead": 2}
    expected = makiserve.replay(model, path, **options)
    actual = makiserve.replay(model, library(shuffled(table)), time="time", **options)
    assert actual.outputs == expected.outputs
    assert actual.metrics == expected.metrics


def test_a_reference_may_be_a_frame(library: Callable[[pa.Table], Any]) -> None:
    sample = take_sample(trace(features()), Schema(Event), library(TABLE))
    assert [record.number for record in sample.records] == list(range(32))  # type: ignore[attr-defined]


def test_an_optional_column_that_a_frame_lacks_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    frame_of(TABLE.drop_columns("value"))
    assert "no header or record has the optional field 'value' of Event" in caplog.text


def test_an_undeclared_column_of_pandas_may_have_cells_of_any_type() -> None:
    mixed = [object(), "text", 1.5] * 20
    frame = TABLE.to_pandas().assign(other=mixed, **{"0": 1}).rename(columns={"0": 0})  # a title that is a number
    expected = frame_of(TABLE, as_="arrow")
    assert frame_of(frame, as_="arrow").equals(expected)
    assert frame_of(frame.set_index("sensor"), as_="arrow").equals(expected)  # an index is a column too
    with pytest.raises(SourceError, match=r"is not a table of typed columns: .*column number"):
        frame_of(frame.assign(number=mixed))


def ranged(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="number").rename_axis("number")


def ranged_level(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["sensor", "number"])


@pytest.mark.parametrize("change", [ranged, ranged_level])
def test_a_named_index_of_pandas_is_a_column_even_if_it_is_a_range(
    change: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    assert frame_of(change(TABLE.to_pandas()), as_="arrow").equals(frame_of(TABLE, as_="arrow"))


def test_an_unnamed_index_of_pandas_is_not_a_column() -> None:
    class Strict(Event, forbid_unknown_fields=True):
        pass

    frame = TABLE.to_pandas()
    later = frame[frame["number"] >= 10]  # its index does not begin at 0
    computed = makiserve.features_frame(later, features=features, record=Strict)
    assert list(computed["number"]) == list(range(10, 60))


def test_undeclared_columns_of_pandas_are_refused_if_the_record_forbids_them() -> None:
    class Strict(Event, forbid_unknown_fields=True):
        pass

    with pytest.raises(SourceError, match="Strict does not declare 'other'"):
        makiserve.features_frame(TABLE.to_pandas().assign(other=1), features=features, record=Strict)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (TABLE.to_pandas()["number"], "a row is of type int|the Series is not a table of typed columns: .*non-struct"),
        (TABLE["number"], "the ChunkedArray is not a table of typed columns: .*non-struct"),
        (pl.DataFrame(TABLE).lazy(), "of type polars.*LazyFrame is not a source: give a file"),
        (pd.concat([TABLE.to_pandas()] * 2, axis=1), "the DataFrame: the header names '.*' more than once"),
        (TABLE.drop_columns("at"), "the Table: the header lacks 'at', which Event declares; it has 'sensor'"),
        (pd.DataFrame(), "the DataFrame: the header lacks .*; it has no columns"),
    ],
)
def test_source_that_is_not_a_table_of_the_record_is_refused(source: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        frame_of(source, time="at", lane_by="sensor")
