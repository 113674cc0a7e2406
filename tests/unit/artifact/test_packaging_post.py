"""A post pipeline is packaged with the model, loaded, and held against what it emitted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pytest

from makiserve.artifact import check_reference, load
from makiserve.artifact.reference.reference import PostedOutput, score_reference
from makiserve.errors import ModelRefused
from tests.unit.artifact.example import HOUSE, forget, readings

Log = Callable[..., Any]

POST = """
from typing import NamedTuple
import os
import rx
import makiserve.stream as rs
from house.features import Features

class Alert(NamedTuple):
    wind: float
    mean: float

def post():
    return rx.pipe(
        rs.data.roll(3, 3, rs.ops.tee_map(rs.ops.last(), rs.math.mean(lambda p: p.prediction, reduce=True))),
        rs.ops.map(lambda i: Alert(i[0].features.wind, i[1])),
        rs.ops.filter(lambda alert: alert.mean > 30),
    )

def other():
    return rs.ops.count() if os.environ.get("OTHER") else post()
"""


@pytest.fixture
def house(project: Callable[..., ModuleType]) -> ModuleType:
    project(HOUSE | {"house/post.py": POST}, "house.post")
    return project({}, "house.features")


def post(name: str = "post") -> Any:
    return getattr(sys.modules["house.post"], name)


def test_the_post_pipeline_travels_with_the_model(log: Log, house: ModuleType, tmp_path: Path) -> None:
    info = log(house, post=post())
    forget("house")

    model = load(info.model_uri)
    scored = score_reference(model.scorer(), model.reference.records)

    assert info.flavors["makiserve"]["post"] == "house.post:post"
    assert model.post is not None
    assert scored.posted is not None
    assert [type(item).__module__ for item in scored.posted.items] == ["house.post"] * len(model.reference.posted)
    assert model.reference.posted[0] == PostedOutput(
        scored.posted.causes[0],
        {"wind": scored.posted.items[0].wind, "mean": pytest.approx(scored.posted.items[0].mean)},
    )
    check_reference(model)
    directory = Path(mlflow.artifacts.download_artifacts(info.model_uri, dst_path=str(tmp_path)))
    assert (directory / "makiserve/sources/house/post.py").is_file()


def test_its_outputs_are_what_it_emits(log: Log, house: ModuleType) -> None:
    model = load(log(house, post=post()).model_uri)
    records = model.reference.records

    encoded = model.outputs().encode(score_reference(model.scorer(), records), records)

    assert list(json.loads(encoded.values[0])) == ["wind", "mean"]
    assert encoded.causes == [output.record for output in model.reference.posted]


def test_a_model_without_one_publishes_its_predictions(log: Log, house: ModuleType) -> None:
    model = load(log(house).model_uri)
    records = readings(house)[:1]

    encoded = model.outputs(("prediction", "features.wind")).encode(score_reference(model.scorer(), records), records)

    assert model.post is None
    assert json.loads(encoded.values[0]) == {"prediction": pytest.approx(20.0, abs=5), "features": {"wind": 0.0}}


def test_a_post_pipeline_may_be_silent_on_the_reference_records(log: Log, house: ModuleType) -> None:
    model = load(log(house, post=post(), reference=readings(house)[:1]).model_uri)

    assert model.reference.posted == ()
    check_reference(model)


def test_another_value_from_post_is_refused_by_its_name(log: Log, house: ModuleType) -> None:
    model = load(log(house, post=post()).model_uri)
    first = model.reference.posted[0]
    first.fields["mean"] += 1

    with pytest.raises(ModelRefused, match=rf"post output 'mean': 1 of \d+ differ, the first at record {first.record}"):
        check_reference(model)


def test_a_post_pipeline_that_depends_on_its_surroundings_is_refused(
    log: Log, house: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = log(house, post=post("other")).model_uri
    monkeypatch.setenv("OTHER", "1")

    with pytest.raises(ModelRefused, match=r"house\.post:other\(\) does not build the pipeline that was packaged"):
        load(uri)
