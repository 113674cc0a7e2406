"""The statistics of the training travel with the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pandas as pd
import pytest

from makiserve.artifact import load
from makiserve.artifact.reference.reference import score_reference
from makiserve.errors import ModelRefused
from makiserve.scoring.drift import ColumnProfile, Drift
from tests.unit.artifact.example import readings

Log = Callable[..., Any]


def columns(log: Log, house: ModuleType, **options: Any) -> dict[str, ColumnProfile]:
    profile = load(log(house, **options).model_uri).profile
    assert profile is not None
    return {column.name: column for column in profile.columns}


def test_the_whole_reference_is_profiled_not_only_what_is_packaged(log: Log, house: ModuleType) -> None:
    profiles = columns(log, house, reference=readings(house, 500))

    assert list(profiles) == ["temperature", "wind", "prediction"]
    assert {column.count for column in profiles.values()} == {500}
    assert (profiles["wind"].least, profiles["wind"].largest) == (0.0, 6.0)


def test_a_training_frame_is_profiled_in_its_place(log: Log, house: ModuleType) -> None:
    training = pd.DataFrame({"temperature": [1.0, 2.0, 3.0], "wind": [0.0, 50.0, None], "label": [1.0] * 3})

    profiles = columns(log, house, training=training)

    assert (profiles["wind"].largest, profiles["wind"].nulls) == (50.0, 1)
    assert "label" not in profiles
    assert profiles["prediction"].count == 2  # the model takes no missing wind


def test_served_features_are_compared_with_the_profile(log: Log, house: ModuleType) -> None:
    model = load(log(house, reference=readings(house, 500)).model_uri)
    assert model.profile is not None
    drift = Drift(model.profile)
    scored = score_reference(model.scorer(), readings(house, 500))

    drift.observe(scored.features, scored.predictions)

    assert [(column.name, column.seen, column.out_of_range) for column in drift.report()] == [
        ("temperature", 500, 0.0),
        ("wind", 500, 0.0),
        ("prediction", 500, pytest.approx(0.0, abs=0.01)),
    ]
    assert max(column.psi for column in drift.report()) < 1e-6


def test_a_damaged_profile_is_refused(log: Log, house: ModuleType, tmp_path: Path) -> None:
    directory = Path(mlflow.artifacts.download_artifacts(log(house).model_uri, dst_path=str(tmp_path / "copy")))
    (directory / "makiserve/profile.json").write_text("{")

    with pytest.raises(ModelRefused, match="its training statistics cannot be read"):
        load(directory)
