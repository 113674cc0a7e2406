"""Data frames of any library as sources: order, ties, labels ahead, warm-up, and what is returned."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import rx

import makiserve
import makiserve.stream as rs
from makiserve.artifact import PackagedModel
from makiserve.artifact.reference.reference import take_sample
from makiserve.errors import ArgumentError, ConfigurationError, PipelineError, SourceError
from makiserve.offline.feed import Selection
from makiserve.records import Schema
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over

START = datetime(2026, 11, 1, tzinfo=timezone.utc)


class Event(makiserve.Record):
    at: datetime
    sensor: str
    number: int
    value: float | None = None
    kind: Literal["a", "b"] = "a"


class Features(NamedTuple):
    number: int
    total: float
    kind: str


def features() -> makiserve.Transform:
    total = rs.math.sum(lambda event: event.value, reduce=False, skip_missing=True)
    return rx.pipe(
        rs.ops.tee_map(rs.ops.map(lambda event: event), total),
        rs.ops.map(lambda pair: Features(pair[0].number, pair[1], pair[0].kind)),
    )


def rows(count: int = 60) -> list[dict[str, Any]]:
    """Two sensors, each with one event a minute, in the same minute; some values are missing."""
    return [
        {
            "at": START + timedelta(minutes=number // 2),
            "sensor": "xy"[number % 2],
            "number": number,
            "value": None if number % 7 == 3 else number / 8,
            "kind": "ab"[number % 3 == 0],
        }
        for number in range(count)
    ]


TABLE = pa.Table.from_pylist(rows())


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


def shuffled(table: pa.Table = TABLE) -> pa.Table:
    order = list(range(table.num_rows))
    random.Random(5).shuffle(order)
    return table.take(order)


def frame_of(source: Any, **options: Any) -> Any:
    return makiserve.features_frame(source, features=features, record=Event, **options)


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
    ("change", "options", "words"),
    [
        ({}, {"time": "at"}, r"records@1: two records have the same at, 2026-11-01 00:00:00\+00:00, .*give tie_by="),
        ({"number": 1}, {"time": "at", "tie_by": "number"}, r"the same at, number, .*: add a field to tie_by="),
        ({"at": None}, {"time": "at", "lane_by": "sensor"}, "the Table: 'at' is null in row 5, so .*: leave such rows"),
        ({"sensor": None}, {"time": "at", "lane_by": "sensor"}, "the Table: 'sensor' is null in row 5"),
        ({"number": None}, {"time": "at", "tie_by": "number"}, "the Table: 'number' is null in row 5"),
    ],
)
def test_a_row_without_a_unique_place_is_refused(change: dict[str, Any], options: dict[str, Any], words: str) -> None:
    changed = [row | change if index in (4, 5) and (change.get("number") or index == 5) else row
               for index, row in enumerate(rows())]  # fmt: skip
    for index in (4, 5) if change.get("number") else ():
        changed[index]["at"] = START
    with pytest.raises(SourceError, match=words):
        frame_of(pa.Table.from_pylist(changed), **options)


def test_a_time_that_is_no_time_is_refused() -> None:
    table = pa.table({"at": ["2026-11-01T10:00:00Z", "soon"], "sensor": ["x"] * 2, "number": [0, 1]})
    with pytest.raises(
        SourceError, match=r"row 1 has no place in the order: field 'at': expected datetime, got \"soon"
    ):
        frame_of(table, time="at")


@loop_over(
    ("options", "words"),
    [
        ({"time": "when"}, "time='when': not a field of Event"),
        ({"time": "at", "tie_by": ["number", "id"]}, "tie_by='id': not a field of Event"),
        ({"tie_by": "number"}, "tie_by='number': needs time="),
        ({"label": "value", "label_ahead": "1h"}, "label_ahead='1h': needs the field with the event time: time="),
        ({"label": "value", "label_ahead": "soon"}, "label_ahead='soon': must be a number of records or a duration"),
        ({"label": "value", "label_ahead": -1}, "label_ahead=-1: must be a number of records, 0 or more"),
        ({"label": "value", "label_ahead": 1.5}, "label_ahead=1.5: must be a number of records, 0 or more"),
        ({"label_ahead": 2}, "label_ahead=2: needs label=, the field with the true value"),
        ({"label_ahead": "1h", "time": "at"}, "label_ahead='1h': needs label="),
        ({"emit_from": 1.5, "time": "at"}, "emit_from=1.5: must be an offset, 0 or more, or a time"),
        ({"time": "value", "label": "value", "label_ahead": "1h"}, "label_ahead='1h': needs an event time that is a"),
        ({"emit_from": START}, "emit_from=.*: needs the field with the event time"),
        ({"emit_from": "soon"}, "emit_from='soon': must be an offset or a time such as"),
        ({"as_": "spark"}, "as_='spark': must be 'pandas' or 'polars' or 'arrow'"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        frame_of(TABLE, lane_by="sensor", **options)


def test_a_file_that_is_not_sorted_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    TABLE.slice(0, 10).take([0, 2, 1, 3, 4, 7, 6, 5, 8, 9]).to_pandas().to_csv(path, index=False)
    assert len(frame_of(path, lane_by="sensor")) == 10
    words = r"events.csv@7, in the lane 'y': at 2026-11-01 00:02.* comes after 2026-11-01 00:03.*sort the rows"
    with pytest.raises(SourceError, match=words):
        frame_of(path, lane_by="sensor", time="at")


def test_a_label_is_of_a_later_record_of_the_lane_and_never_of_another() -> None:
    frame = frame_of(shuffled(), lane_by="sensor", time="at", label="number", label_ahead=3)
    ahead = frame["label"] - frame["number"]
    assert set(ahead.dropna()) == {6}
    assert list(frame[frame["label"].isna()]["number"]) == [54, 55, 56, 57, 58, 59]


def test_a_label_is_of_the_first_record_so_much_later() -> None:
    minutes = [0, 1, 2, 10, 11, 30]
    table = pa.table(
        {
            "at": [START + timedelta(minutes=minute) for minute in minutes],
            "sensor": ["x"] * 6,
            "number": list(range(6)),
            "value": [float(minute) for minute in minutes],
        }
    )
    frame = frame_of(shuffled(table), time="at", label="value", label_ahead=timedelta(minutes=9))
    assert [None if pd.isna(label) else label for label in frame["label"]] == [10, 10, 11, 30, 30, None]
    assert frame_of(table, time="at", label="value", label_ahead="9min").equals(frame)


@pytest.mark.parametrize("ahead", [0, 2, "90s"])
def test_metrics_use_the_labels_that_the_frame_shows(model: PackagedModel, ahead: int | str) -> None:
    table = pa.table({"time": [n * 60_000 for n in range(40)], "house": ["a", "b"] * 20, "power [kW]": list(range(40))})
    replayed = makiserve.replay(model, table, lane_by="house", time="time", label="power", label_ahead=ahead)
    assert replayed.metrics
    error = (replayed.frame["prediction"] - replayed.frame["label"]).dropna()
    assert len(error) == replayed.metrics.rows < 40 + (ahead == 0)
    assert replayed.metrics["rmse"] == pytest.approx(float((error**2).mean()) ** 0.5, rel=1e-12)


def test_rows_before_emit_from_only_build_up_state() -> None:
    whole = frame_of(TABLE, lane_by="sensor", time="at")
    moment = START + timedelta(minutes=20)
    for given in (moment, "2026-11-01T00:20", "40", 40):
        part = frame_of(shuffled(), lane_by="sensor", time="at", emit_from=given)
        assert part.equals(whole[whole["number"] >= 40])


def test_emit_from_a_time_holds_for_a_lane_that_is_behind(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    TABLE.sort_by([("sensor", "ascending"), ("at", "ascending")]).to_pandas().to_csv(path, index=False)
    part = frame_of(path, lane_by="sensor", time="at", emit_from=START + timedelta(minutes=20))
    assert sorted(part["number"]) == list(range(40, 60))


def test_a_replay_begins_at_a_time(model: PackagedModel) -> None:
    table = pa.table({"time": list(range(30)), "house": ["a"] * 30, "power [kW]": [n / 4 for n in range(30)]})
    whole = makiserve.replay(model, table, time="time")
    begin = datetime(1970, 1, 1, 0, 0, 0, 20_000, tzinfo=timezone.utc)
    part = makiserve.replay(model, table, time="time", selection=Selection(emit_from=begin))
    assert part.outputs == [output for output in whole.outputs if output[0] >= 20]


def test_the_position_comes_first_in_arrow_and_polars(tmp_path: Path) -> None:
    table = frame_of(TABLE, lane_by="sensor", time="at", as_="arrow")
    assert table.column_names == ["sensor", "at", "offset", "number", "total", "kind"]
    polars = frame_of(TABLE, lane_by="sensor", time="at", as_="polars")
    assert polars.equals(pl.from_arrow(table))
    pandas = frame_of(TABLE, lane_by="sensor", time="at")
    assert pandas.index.names == ["sensor", "at", "offset"]
    pd.testing.assert_frame_equal(pandas.reset_index(), table.to_pandas(), check_dtype=False)
    for name in ("a.csv", "b.csv"):
        TABLE.to_pandas().to_csv(tmp_path / name, index=False)
    assert frame_of(tmp_path, as_="arrow").column_names == ["source", "offset", "number", "total", "kind"]


def test_a_table_without_rows_has_positions() -> None:
    table = frame_of(TABLE.slice(0, 0), as_="arrow")
    assert (table.num_rows, table.column_names) == (0, ["offset"])


@loop_over("name", ["source", "offset", "sensor", "at"])
@loop_over("form", ["pandas", "arrow", "polars"])
def test_a_feature_cannot_replace_a_column_of_the_position(
    name: str, form: Literal["pandas", "arrow", "polars"]
) -> None:
    named_tuple: Any = NamedTuple  # mypy demands a literal
    kind = named_tuple("Clashing", [(name, int)])

    def clashing() -> makiserve.Transform:
        return rs.ops.map(lambda event: kind(event.number))

    options: dict[str, Any] = {"features": clashing, "record": Event, "lane_by": "sensor", "time": "at"}
    with pytest.raises(
        PipelineError, match=f"emits a feature '{name}', but the column or index level with this name has the position"
    ):
        makiserve.features_frame(TABLE, as_=form, **options)


class Clash(makiserve.Record):
    source: str
    offset: int
    label: str
    at: datetime
    number: int
    tags: list[str] = []
    origin: str | None = makiserve.field(name="where", default=None)


CLASHES = pa.table(
    {
        "source": list("aabb"),
        "offset": [1, 2, 1, 2],
        "label": list("pqrs"),
        "at": [START + timedelta(minutes=number) for number in range(4)],
        "number": range(4),
        "tags": [["x"]] * 4,
        "where": ["x", None, "x", "y"],
    }
)


@loop_over("form", ["pandas", "arrow", "polars"])
@loop_over(
    ("options", "words"),
    [
        ({"lane_by": "source"}, "lane_by='source': another column of the result has this name"),
        ({"lane_by": "offset"}, "lane_by='offset': another column"),
        ({"time": "offset", "lane_by": "label"}, "time='offset': another column"),
        ({"time": "at", "lane_by": "at"}, "time='at': another column"),
        ({"lane_by": "label", "label": "number"}, "lane_by='label': another column"),
        ({"lane_by": "tags"}, "lane_by='tags': its values are lists or objects"),
        ({"time": "at", "tie_by": "tags"}, "tie_by='tags': its values are lists or objects"),
        ({"time": "at", "tie_by": 3}, "tie_by=3: must be the name of a field"),
        ({"lane_by": ["label"]}, "lane_by=.*: must be the name of a field"),
    ],
)
def test_a_lane_or_time_that_cannot_be_one_is_named(form: str, options: dict[str, Any], words: str) -> None:
    arguments: Any = {"features": clash_features, "record": Clash, "as_": form, **options}
    with pytest.raises(ArgumentError, match=words):
        makiserve.features_frame(CLASHES, **arguments)


class Number(NamedTuple):
    number: int


def clash_features() -> makiserve.Transform:
    return rs.ops.map(lambda event: Number(event.number))


def test_a_record_without_a_lane_is_refused() -> None:
    with pytest.raises(SourceError, match="records@1: origin is null, so the record has no lane: leave such rows out"):
        makiserve.features_frame(CLASHES, features=clash_features, record=Clash, lane_by="where")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (TABLE.to_pandas()["number"], "a row is of type int|the Series is not a table of typed columns: .*non-struct"),
        (TABLE["number"], "the ChunkedArray is not a table of typed columns: .*non-struct"),
        (pl.DataFrame(TABLE).lazy(), "of type polars.*LazyFrame is not a source: give a file"),
        (pd.concat([TABLE.to_pandas()] * 2, axis=1), "the DataFrame: the header names '.*' more than once"),
        (TABLE.drop_columns("at"), "the Table: the header lacks 'at', which Event declares; it has 'sensor'"),
    ],
)
def test_what_is_no_table_of_the_record_is_refused(source: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        frame_of(source, time="at", lane_by="sensor")


def test_values_without_a_common_arrow_type_are_refused_for_arrow() -> None:
    class Odd(NamedTuple):
        x: Any

    def mixed() -> makiserve.Transform:
        return rs.ops.map(lambda event: Odd("text" if event.number % 2 else 1.5))

    assert len(makiserve.features_frame(TABLE, features=mixed, record=Event)) == 60
    with pytest.raises(PipelineError, match="x: its values have no Arrow type in common"):
        makiserve.features_frame(TABLE, features=mixed, record=Event, as_="arrow")


def test_a_feature_with_the_name_of_the_label_column_is_refused() -> None:
    class Labelled(NamedTuple):
        label: float

    with pytest.raises(ConfigurationError, match="label='label': the pipeline already emits a feature"):
        makiserve.features_frame(
            TABLE, features=lambda: rs.ops.map(lambda event: Labelled(1.0)), record=Event, label="value"
        )
