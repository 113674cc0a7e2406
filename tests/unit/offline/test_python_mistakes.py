"""Wrong arguments of the Python API are errors in Python's terms."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import rx
from sklearn.linear_model import LinearRegression

import makiserve
import makiserve.stream as rs
from makiserve.artifact import PackagedModel
from makiserve.artifact.reference.reference import take_sample
from makiserve.errors import ArgumentError, ConfigurationError, PipelineError, PipelineWarning, SourceError
from makiserve.records import Schema
from makiserve.stream.engine.trace import trace_factory
from tests.loops import loop_over
from tests.unit.offline.powers import Reading, pipeline


class Row(makiserve.Record):
    hour: int
    temperature: float | None = makiserve.field(name="TEMP", default=None)


class Features(NamedTuple):
    hour: int
    temperature: float | None


def features() -> makiserve.Transform:
    return rs.ops.map(lambda row: Features(row.hour, row.temperature))


def without_return() -> None:
    features()


def failing() -> makiserve.Transform:
    return rs.ops.map(lambda row: row.nothing)


def running() -> makiserve.Transform:
    return rx.pipe(
        rs.data.roll(6, 1, pipeline=rs.math.mean(lambda row: row.hour)), rs.ops.map(lambda mean: Features(0, mean))
    )


ROWS: list[dict[str, Any]] = [{"hour": 1, "TEMP": 2.5}, {"hour": 2, "TEMP": None}, {"hour": 3}]
FRAME = pd.DataFrame({"hour": [1, 2, 3], "TEMP": [2.5, None, None]})
EXPECTED = pd.DataFrame({"hour": [1, 2, 3], "temperature": [2.5, None, None]})


@loop_over(
    "source",
    [
        ROWS,
        tuple(ROWS),
        iter(ROWS),
        (row for row in ROWS),
        FRAME,
        FRAME.to_dict("records"),
        [{name: np.array(value)[()] for name, value in row.items() if value is not None} for row in ROWS],
        pa.Table.from_pylist(ROWS),
        pa.Table.from_pylist(ROWS).to_reader(),
        [Row(1, 2.5), Row(2), Row(3)],
        [Row(1, 2.5), *ROWS[1:]],
    ],
    ids=lambda source: type(source).__name__,
)
def test_rows_in_memory_are_a_source(source: Any) -> None:
    frame = makiserve.features_frame(source, features=features, record=Row)
    pd.testing.assert_frame_equal(frame.reset_index(drop=True), EXPECTED, check_dtype=False)
    assert frame.attrs["dead_letters"] == 0


def test_a_row_that_does_not_fit_is_a_dead_letter() -> None:
    rows: list[Any] = [{"hour": 1}, {"hour": "one"}, {"TEMP": 1.0}, {"hour": 1, "TEMP": object()}, {"hour": 2}]
    frame = makiserve.features_frame(rows, features=features, record=Row)
    assert list(frame.index) == [0, 4]
    assert frame.attrs["dead_letters"] == 3


class Other(makiserve.Record):
    hour: int


@loop_over(
    ("source", "words"),
    [
        ([1, 2], "a row is of type int, but must be .*Row or a dict: give a file"),
        (["a.csv", {"hour": 1}], "a row is of type str, but must be"),
        ([Other(1)], "a row is of type .*Other, but must be .*Row"),
        ([None], "a row is None, but must be"),
        ({"hour": [1, 2]}, "a row is of type str, but must be"),
        (Row(1), "a value of type .*Row is not a source: give a file"),
        (None, "a value None is not a source"),
        (3, "a value of type int is not a source"),
        (io.StringIO("hour\n1\n"), "a row is of type str, but must be"),
        (pd.DataFrame({"TEMP": [1.0]}), "lacks 'hour', which Row declares"),
        (pd.DataFrame({"hour": [1, "x", object()]}), "the DataFrame is not a table of typed columns"),
    ],
)
def test_value_that_is_not_a_source_is_refused(source: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        makiserve.features_frame(source, features=features, record=Row)


def test_a_factory_without_a_return_is_refused() -> None:
    with pytest.raises(
        PipelineError, match=r"without_return\(\) at test_python_mistakes.py:\d+ returned None.*`return`"
    ):
        makiserve.features_frame(ROWS, features=without_return, record=Row)


@pytest.mark.slow
def test_pipeline_in_place_of_its_factory_is_refused() -> None:
    called: Any = features()
    calls: list[Callable[[], Any]] = [
        lambda: makiserve.features_frame(ROWS, features=called, record=Row),
        lambda: makiserve.log_features(called, record=Row, reference=ROWS),
        lambda: makiserve.log_model(LinearRegression(), features=called, record=Row, reference=ROWS),
    ]
    for call in calls:
        with pytest.raises(
            PipelineError, match=r"features must be a function without arguments.*not the pipeline that it"
        ):
            call()
    with pytest.raises(PipelineError, match="post must be a function without arguments"):
        makiserve.log_model(LinearRegression(), features=features, post=called, record=Row, reference=ROWS)


def test_all_records_failing_is_an_error_with_the_first_reason() -> None:
    with pytest.raises(
        ConfigurationError, match=r"all 3 records failed.*records@0: map: AttributeError.*mistakes.py:\d+"
    ):
        makiserve.features_frame(ROWS, features=failing, record=Row)
    with pytest.raises(
        ConfigurationError, match=r"emits nothing for the 3 reference .* 3 were refused.*AttributeError"
    ):
        take_sample(trace_factory(failing), Schema(Row), ROWS)


def test_a_running_aggregate_in_a_window_is_warned_of_at_the_users_line() -> None:
    with pytest.warns(PipelineWarning, match=r"roll\(window=6, stride=1\): mean emits.*up to 6 rows") as caught:
        frame = makiserve.features_frame([{"hour": hour} for hour in range(10)], features=running, record=Row)
    assert caught[0].filename == __file__
    assert len(frame) == 45


HOURS = 40


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "house.csv"
    rows = [f"{n},{'ab'[n % 2]},{n % 7}" if n != 20 else "no,a,1" for n in range(HOURS)]
    path.write_text("time,house,power [kW]\n" + "\n".join(rows))
    return path


@pytest.mark.parametrize("shift", [0, 1, 3, 100])
@pytest.mark.parametrize("lane_by", [None, "house"])
def test_the_label_of_the_frame_is_that_of_the_metrics(
    model: PackagedModel, source: Path, shift: int, lane_by: str | None
) -> None:
    def replayed() -> Any:
        return makiserve.replay(model, source, label="power", label_ahead=shift, lane_by=lane_by)

    if shift == 100:
        with pytest.raises(ConfigurationError, match=r"none of the .* predictions has a label"):
            replayed()
        return
    replay = replayed()
    labelled = replay.frame.dropna(subset="label")
    assert len(labelled) == replay.metrics.rows
    error = labelled["prediction"] - labelled["label"]
    assert np.sqrt((error**2).mean()) == pytest.approx(replay.metrics["rmse"], rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "words", "option"),
    [
        (
            {"label": "power", "label_ahead": -3},
            "label_ahead=-3: must be a number of records, 0 or more",
            "--label-ahead -3: must be",
        ),
        (
            {"label": "watts"},
            r"label='watts': not a field of Reading; its fields are time, house, power \('power \[kW\]' in the data\)",
            "--label watts: not a field of Reading",
        ),
        ({"label": "power", "by": "hous"}, "by='hous': not a field of Reading", "--by hous: not a field"),
        ({"time": "at"}, "time='at': not a field of Reading", "--order-by at: not a field"),
        ({"time": "time", "tie_by": "id"}, "tie_by='id': not a field of Reading", "--order-by id: not a field"),
        ({"lane_by": "owner"}, "lane_by='owner': not a field of Reading", "--lane-by owner: not a field"),
        ({"emit": "feature"}, "emit='feature': cannot be emitted; available:", "--emit feature: cannot be emitted"),
    ],
)
def test_a_wrong_argument_is_named_as_it_was_given(
    model: PackagedModel, source: Path, wrong: dict[str, Any], words: str, option: str
) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        makiserve.replay(model, source, **wrong)
    assert isinstance(caught.value, ValueError)
    assert caught.value.as_option.startswith(option)


def test_single_name_is_a_list_of_one(model: PackagedModel, source: Path) -> None:
    metrics = makiserve.replay(model, source, label="power", by="house").metrics
    assert metrics
    assert {group.value for group in metrics.groups} == {"a", "b"}
    assert list(makiserve.replay(model, source, emit="features.mean").frame) == ["source", "offset", "features.mean"]


def test_a_replay_that_scores_nothing_names_the_first_reason(model: PackagedModel) -> None:
    rows = [{"time": n, "house": "a", "power [kW]": -1.0} for n in range(5)]
    assert makiserve.replay(model, rows).reasons == {"operator": 5}
    with pytest.raises(ConfigurationError, match=r"all 5 records failed.*power is negative"):
        makiserve.replay(model, rows, label="power")


def test_the_public_names_are_completed() -> None:
    assert set(makiserve.__all__) <= set(dir(makiserve))
    assert makiserve.features_frame([], features=pipeline, record=Reading).empty
