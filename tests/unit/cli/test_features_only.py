"""A pipeline without a model on the command line."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import makiserve
from makiserve.cli.main import command
from makiserve.errors import ConfigurationError
from models.electricity.data import write_house
from models.electricity.features import Reading, features

HOUSE = "models.electricity.features:features"


def run(*arguments: str) -> str:
    return CliRunner().invoke(command, arguments, catch_exceptions=False).stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("house") / "house.csv"
    write_house(path, rows=1000, seed=7)
    return path


def test_replay_features_equal_the_training_features(house: Path, tmp_path: Path) -> None:
    output = tmp_path / "features.csv"
    report = tmp_path / "report.html"
    shown = run("--features", HOUSE, "--replay", str(house), "--output", str(output), "--report", str(report))
    assert "rows          1,000" in shown
    assert re.search(rf"^features      ([\d,]+) → {output}$", shown, re.MULTILINE)
    assert "predictions" not in shown
    assert re.search(r"[\d,]+ features<", report.read_text())
    with output.open(newline="") as file:
        rows = [{name: float(row[name]) for name in row if name != "source"} for row in csv.DictReader(file)]
    frame = makiserve.features_frame(house, features=features, record=Reading)
    assert rows == [
        {"offset": offset, **row} for offset, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]
    assert rows


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--features", HOUSE, "--label", "house_overall"],
            "so there are no predictions to measure",
        ),
        ([], "give the model to serve or replay with --model, or a pipeline without a model with --features"),
    ],
)
def test_options_that_conflict_are_named(house: Path, arguments: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        run("--replay", str(house), *arguments)
