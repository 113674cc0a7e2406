"""A model on the features of the weather. It does not use BLAS, so that rows of any number give the same bits."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType

import mlflow

from makiserve import log_model

MODEL = """
import os

import mlflow
import numpy as np


class Warm(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        if (model_input["last"] > 42).any():
            raise ValueError("too warm")
        warmer = float(os.environ.get("WARMER_BY", "0"))
        return np.asarray(model_input["mean of 3"] * 0.1 + model_input["hour"]) + warmer


mlflow.models.set_model(Warm())
"""


def log_weather(weather: ModuleType, folder: Path) -> str:
    """Log and register the model in the current store, and return its URI."""
    mlflow.create_experiment("spark", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("spark")
    script = folder / "warm.py"
    script.write_text(MODEL)
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    log_model(
        str(script),
        features=weather.features,
        record=weather.Reading,
        reference=[weather.Reading("s0", start + timedelta(hours=index), 50.0 + index) for index in range(40)],
        pip_requirements=["mlflow"],  # MLflow would run the model to find them
        registered_model_name="weather",
        alias="champion",
    )
    return "models:/weather@champion"
