"""The order, the lanes and the labels of a frame, and the arguments that cannot be used."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pytest

import makiserve
import makiserve.stream as rs
from makiserve.artifact import PackagedModel
from makiserve.errors import ArgumentError, SourceError
from makiserve.offline.feed import Selection
from tests.loops import loop_over
from tests.unit.offline.sensor_frames import START, TABLE, frame_of, rows, shuffled


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
def test_rows_with_an_undefined_order_are_refused(change: dict[str, Any], options: dict[str, Any], words: str) -> None:
    changed = [row | change if index in (4, 5) and (change.get("number") or index == 5) else row
               for index, row in enumerate(rows())]  # fmt: skip
    for index in (4, 5) if change.get("number") else ():
        changed[index]["at"] = START
    with pytest.raises(SourceError, match=words):
        frame_of(pa.Table.from_pylist(changed), **options)


def test_text_that_is_not_a_time_is_refused() -> None:
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
