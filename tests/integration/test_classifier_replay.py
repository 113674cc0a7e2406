"""A classifier with probabilities, from its training to the metrics of its replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest
from sklearn.linear_model import LogisticRegression

import makiserve
from tests.integration.serving.pipeline import Step, features


@pytest.mark.parametrize("function", ["predict_proba", "predict"])
def test_replay_of_a_classifier_has_classification_metrics(
    function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    steps = [Step(number % 2, float(number % 7 + 3 * (number % 2))) for number in range(200)]
    frame = makiserve.features_frame(steps, features=features, record=Step)
    model = LogisticRegression().fit(frame[["recent", "mean"]], frame["number"])
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    try:
        info = makiserve.log_model(
            model,
            features=features,
            record=Step,
            reference=steps,
            inputs=["recent", "mean"],
            pyfunc_predict_fn=function,
            pip_requirements=["scikit-learn"],
        )
        replayed = makiserve.replay(info.model_uri, steps, label="number", report=True)
    finally:
        mlflow.set_tracking_uri(before)
    assert replayed.metrics
    assert replayed.metrics.kind == "classification"
    assert replayed.metrics["accuracy"] > replayed.metrics.baselines["most frequent"]["accuracy"]
    assert ("auc" in replayed.metrics.figures) == (function == "predict_proba")
    assert replayed.report
    assert ("Calibration" in replayed.report.html()) == (function == "predict_proba")
