"""The code of the page about logging models runs, and the models that it logs give what the page names."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import Ridge

import makiserve
from makiserve.artifact import load, load_served
from makiserve.cli.main import command
from makiserve.settings import ModelSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "log-a-model.md"
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL))


@pytest.mark.usefixtures("tracking")
def test_the_code_of_the_page_logs_models(
    project: Callable[[dict[str, str], str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(FILES) == {"readings.py", "house.py", "train.py", "pipeline.py", "second.py"}
    project(FILES, "house")
    monkeypatch.chdir(tmp_path)

    for name in ("readings.py", "train.py", "pipeline.py", "second.py"):
        runpy.run_path(str(tmp_path / "project" / name), run_name="__main__")
    readings = pd.read_csv("readings.csv")

    assert load("models:/house@champion").post is not None
    served = load_served(ModelSettings(model="models:/house@champion", split="challenger=10%"))
    assert served.companions.challenger
    alerts = makiserve.replay("models:/house@champion", "readings.csv").frame
    assert 0 < len(alerts) < len(readings)
    assert (alerts.kwh > 3).all()
    alone = makiserve.replay("models:/house_features/1", "readings.csv").frame
    assert list(alone.mean_temperature[:3]) == [0.0, 1.0, 1.0]

    frame = readings[["temperature"]].assign(mean_temperature=readings.temperature)
    plain = Ridge().fit(frame, readings.kwh)
    mlflow.sklearn.log_model(
        plain,
        name="plain",
        registered_model_name="plain",
        signature=mlflow.models.infer_signature(frame, readings.kwh),
        pip_requirements=["scikit-learn"],
    )
    (attach,) = re.findall(r"^makiserve (attach(?:.*\\\n)*.*)$", PAGE.read_text(), re.MULTILINE)
    result = CliRunner().invoke(command, attach.replace("\\\n", " ").split())
    assert result.exception is None, result.output
    assert load("models:/house@challenger").features is not None
