"""Packaged models for the service, and the service itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

import makiserve
from makiserve.artifact import PackagedModel
from models.electricity.data import write_house
from models.electricity.features import Reading
from models.electricity.features import features as house_features
from tests.integration.serving.pipeline import REFERENCE, Features, Step, features
from tests.integration.serving.registry import Server
from tests.integration.serving.service import Service

EXCERPT = Path(__file__).resolve().parents[4] / "shared" / "data" / "HomeC-first-2838-rows.csv"
REQUIREMENTS = ["scikit-learn"]
"""Given, because MLflow would start a process that runs the model to infer them; `test_model_training` does so."""

INPUTS = ["pspeed_ratio", "temperature", "temperature_stddev"]


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("mlflow")
    before, uri = mlflow.get_tracking_uri(), f"sqlite:///{directory / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)  # where the default experiment's artifacts will be
        mlflow.set_tracking_uri(uri)
        mlflow.search_experiments()
    yield uri
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="session")
def running_uri(tracking_uri: str) -> str:
    """Log a model that predicts rows independently, on features that depend on all earlier records."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(10, 5, (500, 4)), columns=list(Features._fields))
    forest = RandomForestRegressor(n_estimators=5, random_state=1).fit(rows, rows["total"] + rows["recent"])
    info = makiserve.log_model(
        forest,
        features=features,
        record=Step,
        reference=REFERENCE,
        registered_model_name="running",
        alias="champion",
        pip_requirements=REQUIREMENTS,
    )
    assert info.registered_model_version == 1
    return "models:/running@champion"


@pytest.fixture(scope="session")
def running(running_uri: str) -> PackagedModel:
    return makiserve.load(running_uri)


@pytest.fixture(scope="session", params=["synthetic", "HomeC excerpt"])
def house_csv(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,838 readings: SYNTHETIC ones, and real ones if the file is available."""
    if request.param == "synthetic":
        path = tmp_path_factory.mktemp("house") / "house.csv"
        write_house(path, rows=2838, seed=7)
        return path
    if not EXCERPT.exists():
        pytest.skip("the real HomeC excerpt is not at hand (../shared/data)")
    return EXCERPT


@pytest.fixture(scope="session")
def house_uri(tracking_uri: str, house_csv: Path) -> str:
    frame = makiserve.features_frame(house_csv, features=house_features, record=Reading)
    ridge = Ridge(alpha=0.5).fit(frame[INPUTS], frame["label"])
    info = makiserve.log_model(
        ridge, features=house_features, record=Reading, reference=house_csv, pip_requirements=REQUIREMENTS
    )
    return info.model_uri


@pytest.fixture
def service(kafka: str, tracking_uri: str) -> Iterator[Callable[..., Service]]:
    """Return `service(model, input, output, *options)`, which starts a service that ends with the test."""
    with ExitStack() as stack:

        def start(model: str, input_: str, output: str, *options: str) -> Service:
            return stack.enter_context(Service(model, kafka, input_, output, tracking_uri, list(options)))

        yield start


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    before = mlflow.get_tracking_uri()
    with ExitStack() as stack:
        yield Server(tmp_path, stack)
    mlflow.set_tracking_uri(before)
