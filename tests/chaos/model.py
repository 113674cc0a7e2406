"""The served model: trees, so that the prediction of a row does not depend on the other rows of its batch."""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor

import makiserve
from tests.chaos.pipeline import Event, Features, features, keyed_features

ROOT = Path(__file__).resolve().parents[2]
SLOW = "CHAOS_SLOW"
"""Environment variable with the path of a file. While the file exists, each prediction takes the seconds in it.

If the file also contains a process id, only that process is slow, and all of its threads stop."""


class Forest(mlflow.pyfunc.PythonModel):
    """The prediction of a forest plus every feature, so that a different feature gives a different prediction."""

    def __init__(self, forest: RandomForestRegressor) -> None:
        self._forest = forest

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        slow = Path(os.environ.get(SLOW, os.devnull))
        if slow.is_file():
            _pause(*slow.read_text().split())
        predictions = self._forest.predict(model_input)
        for name in Features._fields:
            predictions = predictions + model_input[name].to_numpy(dtype=float)
        return predictions


def _pause(seconds: str = "0", pid: str = "") -> None:
    """Sleep; if a process id is given, only there, holding the GIL as a call into C may."""
    if not pid:
        time.sleep(float(seconds))
    elif int(pid) == os.getpid():
        ctypes.PyDLL(None).sleep(int(seconds))


class Registry:
    """Versions of the model, and the alias that names one of them.

    Args:
        directory: the directory of `log_forest`.

    Attributes:
        uri: the URI of the alias.
        tracking: the tracking URI.
        paths: the path of each version.
    """

    uri = "models:/chaos@champion"

    def __init__(self, directory: Path) -> None:
        self.tracking = f"sqlite:///{directory / 'mlflow.db'}"
        self.paths = {path.name.removeprefix("model-"): str(path) for path in sorted(directory.glob("model-*"))}
        self._client = mlflow.MlflowClient(self.tracking, self.tracking)

    def move(self) -> str:
        """Move the alias to the next version, and return that version."""
        now = str(self._client.get_model_version_by_alias("chaos", "champion").version)
        versions = list(self.paths)
        following = versions[(versions.index(now) + 1) % len(versions)]
        self._client.set_registered_model_alias("chaos", "champion", following)
        return following


def log_forest(directory: Path, versions: int = 1, *, is_keyed: bool = False) -> str:
    """Train and log the model below `directory`; return the path of the first version.

    This runs in a separate process, because MLflow's tracking URI is a setting of the whole process.
    """
    command = [sys.executable, "-m", "tests.chaos.model", str(directory), str(versions), *(["keyed"] * is_keyed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(directory / "model-1")


def main(directory: Path, versions: int, pipeline: Callable[[], makiserve.Transform]) -> None:
    """Train and log each version, and copy it to `directory / "model-1"` and so on. The alias names the first."""
    directory.mkdir(parents=True)
    mlflow.set_tracking_uri(f"sqlite:///{directory / 'mlflow.db'}")
    if mlflow.get_experiment_by_name("chaos") is None:
        mlflow.create_experiment("chaos", artifact_location=str(directory / "artifacts"))
    mlflow.set_experiment("chaos")
    for version in range(1, versions + 1):
        log_version(version, directory / f"model-{version}", pipeline)
    mlflow.MlflowClient().set_registered_model_alias("chaos", "champion", "1")


def log_version(version: int, path: Path, pipeline: Callable[[], makiserve.Transform]) -> None:
    """Train and log a version, a different model for each number, and copy it."""
    rng = np.random.default_rng(version)
    rows = pd.DataFrame(rng.normal(10, 5, (300, len(Features._fields))), columns=list(Features._fields))
    forest = RandomForestRegressor(n_estimators=3, random_state=version).fit(rows, rows["total"] + rows["smooth"])
    reference = [Event(f"k{number % 3}", number // 3, 1000 * number, float(number % 7)) for number in range(120)]
    # Not __main__.Forest: processes that load the model import the class by name.
    named = importlib.import_module("tests.chaos.model").Forest
    info = makiserve.log_model(
        named(forest),
        features=pipeline,
        record=Event,
        reference=reference,
        signature=infer_signature(rows, np.zeros(1)),
        registered_model_name="chaos",
        pip_requirements=["mlflow", "scikit-learn"],  # MLflow would start a process that runs the model to infer them
    )
    mlflow.artifacts.download_artifacts(info.model_uri, dst_path=str(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), keyed_features if "keyed" in sys.argv[3:] else features)
