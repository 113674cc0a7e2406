"""Validation from the command line: exit code, comparison with a second model, and what is logged to MLflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow

import makiserve
from makiserve.artifact.validation import RUN, VERDICT
from tests.integration.test_packaging_server import TRAIN, run, tracking_server
from tests.unit.artifact.example import HOUSE, write

SHIFTED = "\ndef celsius(fahrenheit):\n    return (fahrenheit - 32) / 1.8 + (fahrenheit > 60)\n"


def validate(*options: str, folder: Path, server: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MLFLOW_TRACKING_URI": server, "PYTHONPATH": str(Path(makiserve.__file__).parents[1])}
    command = [sys.executable, "-m", "makiserve", "--replay", "house.csv", "--label", "minute", "--log", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_validations_are_logged_with_their_models(tmp_path: Path) -> None:
    rows = [f"{n},{50 + n / 3},{n % 7}.0" for n in range(40)]
    (tmp_path / "house.csv").write_text("minute,fahrenheit,wind speed\n" + "\n".join(rows) + "\n39,,1\n")
    with tracking_server(tmp_path) as server:
        for number, units in enumerate((HOUSE["house/units.py"], SHIFTED)):  # the second has other features
            write({**HOUSE, "house/units.py": units}, tmp_path / f"project{number}")
            run(TRAIN, cwd=tmp_path / f"project{number}", server=server)
        required = ("--require", "rmse<0.5", "--require", "dead_letters<=1")
        passed = validate("--model", "models:/house/1", *required, folder=tmp_path, server=server)
        assert passed.returncode == 0, passed.stdout + passed.stderr
        check_passed(mlflow.MlflowClient(server))

        against = ("--baseline", "models:/house/1", "--report", "report.html", "--require", "rmse<1e-9")
        failed = validate("--model", "models:/house/2", *against, folder=tmp_path, server=server)
        assert failed.returncode == 1, failed.stdout + failed.stderr
        assert "required      failed: rmse<1e-09 (actual value " in failed.stdout
        assert "different from models:/house/1" in failed.stdout
        assert "40 matched, 0 missing, 0 unexpected" in failed.stdout
        assert "Compared with models:/house/1: different" in (tmp_path / "report.html").read_text()
        assert mlflow.MlflowClient(server).get_model_version("house", "2").tags[VERDICT] == "failed"


def check_passed(client: mlflow.MlflowClient) -> None:
    """A child of the training run has metrics, data and files; the logged model has the metrics, the version a tag."""
    version = client.get_model_version("house", "1")
    assert version.tags[VERDICT] == "passed"
    validation = client.get_run(version.tags[RUN])
    assert validation.info.status == client.get_run(version.run_id).info.status == "FINISHED"
    assert validation.data.tags["mlflow.parentRunId"] == version.run_id
    metrics = validation.data.metrics
    assert (metrics["records"], metrics["outputs"], metrics["dead_letters"]) == (41, 40, 1)
    assert metrics["rmse"] < 0.5 < metrics["mean_rmse"]
    assert validation.data.params["require"] == "rmse<0.5, dead_letters<=1"
    (data,) = validation.inputs.dataset_inputs
    (origin,) = json.loads(data.dataset.source)
    assert (origin["name"], origin["records"]) == ("house.csv", 41)
    assert {artifact.path for artifact in client.list_artifacts(validation.info.run_id)} == {
        "outputs.csv",
        "report.html",
    }
    logged = client.get_logged_model(validation.inputs.model_inputs[0].model_id)
    assert logged.source_run_id == version.run_id
    assert {metric.key: metric.dataset_digest for metric in logged.metrics}["rmse"] == data.dataset.digest
