"""A replay with several processes equals a replay with one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import mlflow
import pytest
from sklearn.linear_model import LinearRegression

import makiserve
from makiserve.artifact import FeaturesOnly, features_only
from makiserve.errors import SourceError
from makiserve.offline.sources import Block
from makiserve.scoring import Scored
from tests.integration.serving.pipeline import Step, features
from tests.unit.offline.test_replay import HEADER


class Everything:
    """A sink that keeps all that it is given, in words."""

    needs_records = True
    needs_features = True

    def __init__(self) -> None:
        self.seen: list[str] = []

    def take(self, block: Block, scored: Scored) -> None:
        self.seen.append(repr((block, scored)))


@pytest.fixture(scope="module")
def model() -> FeaturesOnly:
    return features_only("tests.unit.offline.powers:pipeline")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of different lengths, with rows that are bad in each way."""
    houses = tmp_path_factory.mktemp("houses")
    rng = random.Random(3)
    for number in range(5):
        rows = [f"{n},{number},{rng.choice([n / 3, -1, 'x'])}" for n in range(2 + 700 * number)]
        (houses / f"{number}.csv").write_text(HEADER + "\n".join([*rows, "1,2,3,4"]) + "\n")
    return houses


def replayed(model: FeaturesOnly, folder: Path, output: Path, processes: int) -> tuple[Any, ...]:
    everything = Everything()
    progress: list[tuple[int, float | None]] = []
    result = makiserve.replay(
        model,
        folder,
        output=output,
        processes=processes,
        sinks=[everything],
        progress=lambda *report: progress.append(report),
    )
    assert progress[-1] == (result.rows, 1.0)
    dead = [(dead_letter.source, dead_letter.offset, str(dead_letter.error)) for dead_letter in result.dead]
    return result.rows, result.written, result.outputs, dead, output.read_bytes(), everything.seen


def test_several_processes_equal_one(model: FeaturesOnly, folder: Path, tmp_path: Path) -> None:
    alone = replayed(model, folder, tmp_path / "out.csv", 1)
    together = replayed(model, folder, tmp_path / "out.csv", 2)
    assert alone[0] > 7000
    assert together == alone


def test_read_error_of_a_process_is_raised_in_the_parent(model: FeaturesOnly, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    output = tmp_path / "out.csv"
    with pytest.raises(SourceError, match="the header lacks 'time'"):
        makiserve.replay(model, [folder / "1.csv", tmp_path / "bad.csv"], processes=2, output=output)
    assert not output.exists()


def test_packaged_model_in_several_processes_is_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.chdir(tmp_path)
    steps = [Step(number, float(number * 7 % 11)) for number in range(300)]
    frame = makiserve.features_frame(steps, features=features, record=Step)
    fitted = LinearRegression().fit(frame[["recent", "mean"]], frame["number"])
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracking)
    try:
        info = makiserve.log_model(
            fitted,
            features=features,
            record=Step,
            reference=steps,
            inputs=["recent", "mean"],
            pip_requirements=["scikit-learn"],
        )
        model = makiserve.load(info.model_uri)
    finally:
        mlflow.set_tracking_uri(before)
    folder = tmp_path / "steps"
    folder.mkdir()
    for file in range(3):
        rows = "".join(f"{number},{number * (file + 2) % 13}.5\n" for number in range(500 * (file + 1)))
        folder.joinpath(f"{file}.csv").write_text("number,value\n" + rows)
    written = []
    for processes in (1, 2):
        result = makiserve.replay(model, folder, output=tmp_path / "out.csv", label="number", processes=processes)
        assert result.metrics
        written.append((tmp_path.joinpath("out.csv").read_bytes(), result.rows, dict(result.metrics.figures)))
    assert written[0][1] == 3000
    assert written[0] == written[1]
