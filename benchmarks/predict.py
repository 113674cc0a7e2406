"""A call of the model: makiserve's predictor, MLflow's `predict` and the bare estimator, by flavor and batch size."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression

from benchmarks.sidebyside import Contestant, race
from makiserve.artifact.mlflow_predictor import MlflowPredictor
from makiserve.artifact.native import native_options, save_native

FEATURES = 10
SIZES = (1, 10, 100, 1_000, 10_000)
RNG = np.random.default_rng(1)
FRAME = pd.DataFrame(RNG.normal(size=(10_000, FEATURES)), columns=[f"f{index}" for index in range(FEATURES)])
LABEL = FRAME.sum(axis=1)
CALLS = 20
"""Calls with a batch of one row, so that a round is long enough to be measured."""


def run() -> None:
    """Race all installed flavors on ten features."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    for name, make in FLAVORS.items():
        model, bare = make()
        with tempfile.TemporaryDirectory() as folder:
            pyfunc = saved(model, Path(folder) / "model")
            for size in SIZES:
                _race(f"{name}, batches of {size:,}", pyfunc, bare, size)


def _race(title: str, pyfunc: Any, bare: Callable[[np.ndarray[Any, Any]], Any], size: int) -> None:
    predictor = MlflowPredictor(pyfunc, tuple(map(str, FRAME)))
    frame, matrix = FRAME[:size], FRAME[:size].to_numpy()
    rows = list(frame.itertuples(index=False, name=None))
    calls = max(1, CALLS // size)
    race(
        title,
        [
            Contestant("makiserve, from rows to values", _repeat(calls, lambda: predictor.predict(rows)), calls * size),
            Contestant("mlflow.pyfunc, from a frame", _repeat(calls, lambda: pyfunc.predict(frame)), calls * size),
            Contestant("the bare estimator, from a matrix", _repeat(calls, lambda: bare(matrix)), calls * size),
        ],
        rounds=3,
    )


def _repeat(calls: int, call: Callable[[], Any]) -> Callable[[], object]:
    return lambda: [call() for _ in range(calls)]


def saved(model: Any, path: Path) -> Any:
    signature = ModelSignature(inputs=Schema([ColSpec(DataType.double, name) for name in FRAME]))
    options = {"signature": signature, "pip_requirements": ["mlflow"]}
    save_native(model, path, Model(), native_options(model, options))
    return mlflow.pyfunc.load_model(str(path), suppress_warnings=True)


def _of_sklearn(estimator: Any) -> tuple[Any, Any]:
    fitted = estimator.fit(FRAME.to_numpy(), LABEL)
    return fitted, fitted.predict


def _xgboost() -> tuple[Any, Any]:
    from xgboost import XGBRegressor

    fitted = XGBRegressor(n_estimators=100, n_jobs=1).fit(FRAME.to_numpy(), LABEL)
    return fitted, fitted.predict


def _lightgbm() -> tuple[Any, Any]:
    from lightgbm import LGBMRegressor

    fitted = LGBMRegressor(n_estimators=100, n_jobs=1, verbose=-1).fit(FRAME.to_numpy(), LABEL)
    return fitted, fitted.predict


def _onnx() -> tuple[Any, Any]:
    import onnxruntime
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    linear = LinearRegression().fit(FRAME.to_numpy(), LABEL)
    model = convert_sklearn(linear, initial_types=[("rows", FloatTensorType([None, FEATURES]))], target_opset=15)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return model, lambda matrix: session.run(None, {"rows": matrix.astype(np.float32)})


FLAVORS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "LinearRegression": partial(_of_sklearn, LinearRegression()),
    "HistGradientBoosting": partial(_of_sklearn, HistGradientBoostingRegressor()),
    "RandomForest(100)": partial(_of_sklearn, RandomForestRegressor(100, max_depth=8, n_jobs=1, random_state=1)),
    "XGBoost(100)": _xgboost,
    "LightGBM(100)": _lightgbm,
    "ONNX, linear": _onnx,
}
