"""The model that is served: trees, so that a row's prediction does not depend on the rows beside it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor

import makiserve
from tests.chaos.pipeline import Event, Features, features

ROOT = Path(__file__).resolve().parents[2]
SLOW = "CHAOS_SLOW"
"""Names the file that makes predictions slow: it holds the seconds that each call takes, while it is there."""


class Forest(mlflow.pyfunc.PythonModel):
    """A forest's opinion, and added to it every feature: whatever differs in one of them is seen in the prediction."""

    def __init__(self, forest: RandomForestRegressor) -> None:
        self._forest = forest

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        slow = Path(os.environ.get(SLOW, os.devnull))
        if slow.is_file():
            time.sleep(float(slow.read_text() or 0))
        found = self._forest.predict(model_input)
        for name in Features._fields:
            found = found + model_input[name].to_numpy(dtype=float)
        return found


def log_forest(directory: Path) -> str:
    """Train and log it, everything of MLflow below `directory`; the path to serve.

    In a process of its own: where MLflow tracks is a matter of the whole process.
    """
    command = [sys.executable, "-m", "tests.chaos.model", str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(directory / "model")


def main(directory: Path) -> None:
    """Train, log, and copy what was logged to `directory / "model"`."""
    directory.mkdir(parents=True)
    mlflow.set_tracking_uri(f"sqlite:///{directory / 'mlflow.db'}")
    if mlflow.get_experiment_by_name("chaos") is None:
        mlflow.create_experiment("chaos", artifact_location=str(directory / "artifacts"))
    mlflow.set_experiment("chaos")
    chance = np.random.default_rng(1)
    rows = pd.DataFrame(chance.normal(10, 5, (300, len(Features._fields))), columns=list(Features._fields))
    forest = RandomForestRegressor(n_estimators=3, random_state=1).fit(rows, rows["total"] + rows["smooth"])
    reference = [Event(f"k{number % 3}", number // 3, 1000 * number, float(number % 7)) for number in range(120)]
    # Named, not __main__.Forest: it must be found again by those who load it.
    named = importlib.import_module("tests.chaos.model").Forest
    info = makiserve.log_model(
        named(forest),
        features=features,
        record=Event,
        reference=reference,
        signature=infer_signature(rows, np.zeros(1)),
        registered_model_name="chaos",
        alias="champion",
    )
    mlflow.artifacts.download_artifacts(info.model_uri, dst_path=str(directory / "model"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
