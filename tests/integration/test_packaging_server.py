"""Training and serving in separate processes, with a tracking server that stores the artifacts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pytest

import makiserve
from makiserve.artifact import load
from makiserve.errors import ConfigurationError
from tests.unit.artifact.example import HOUSE, write

TRAIN = """
import json, mlflow, makiserve
from sklearn.linear_model import Ridge
from house.features import Reading, features

readings = [Reading(i, 50.0 + i / 3, float(i % 7)) for i in range(40)]
frame = makiserve.features_frame(readings, features=features, record=Reading)
model = Ridge().fit(frame, range(40))
with mlflow.start_run() as run:
    info = makiserve.log_model(
        model, features=features, record=Reading, reference=readings, pip_requirements=["scikit-learn"],
        registered_model_name="house", alias="champion",
    )
location = mlflow.MlflowClient().get_logged_model(info.model_id).artifact_location
print(json.dumps({
    "by run": f"runs:/{run.info.run_id}/model", "by version": "models:/house/1", "by alias": "models:/house@champion",
    "by id": info.model_uri, "by place": location,
}))
"""
SERVE = """
import json, sys
from makiserve.artifact import check_reference, load

for uri in sys.argv[1:]:
    model = load(uri)
    check_reference(model)
    print(json.dumps([model.name, model.version, model.run_id, model.features.__module__, model.digest]))
"""

REFUSED = """
import json, sys
from makiserve.errors import MakiserveError
from makiserve.artifact import load

for uri in sys.argv[1:]:
    try:
        print(json.dumps(["loaded", load(uri).version]))
    except MakiserveError as error:
        print(json.dumps([type(error).__name__, str(error)]))
"""
ATTACH = """
import json, makiserve
from house.features import Reading, features

readings = [Reading(i, 50.0 + i / 3, float(i % 7)) for i in range(40)]
feats = makiserve.log_features(features, record=Reading, reference=readings, registered_model_name="feats")
info = makiserve.attach("models:/house/1", features="models:/feats/1", registered_model_name="house", alias="champion")
print(json.dumps([info.registered_model_version, info.flavors["makiserve"]["link"]["uri"]]))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The URI of a separate tracking server."""
    with tracking_server(tmp_path) as uri:
        yield uri


@contextmanager
def tracking_server(folder: Path) -> Iterator[str]:
    """The URI of a running tracking server, which keeps its data in a folder and proxies its artifacts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/kept"]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", *options]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # else it starts ten more processes
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True)
    try:
        wait_until_healthy(process, port, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def run(code: str, *arguments: str, cwd: Path, server: str) -> list[Any]:
    """Return the JSON values that a Python process prints, one per line."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": server, "PYTHONPATH": str(Path(makiserve.__file__).parents[1])}
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines() if line[:1] in "[{"]


def test_all_uris_of_a_model_load_the_same_model(server: str, tmp_path: Path) -> None:
    write(HOUSE, tmp_path / "project")
    (uris,) = run(TRAIN, cwd=tmp_path / "project", server=server)
    (tmp_path / "elsewhere").mkdir()

    served = run(SERVE, *uris.values(), cwd=tmp_path / "elsewhere", server=server)

    names = {way: tuple(model[:2]) for way, model in zip(uris, served, strict=True)}
    assert names == {
        "by run": (None, None),
        "by version": ("house", "1"),
        "by alias": ("house", "1"),
        "by id": (None, None),
        "by place": (None, None),
    }
    assert uris["by place"].startswith("mlflow-artifacts:/")
    assert len({tuple(model[2:]) for model in served}) == 1
    assert served[0][2] in uris["by run"]


def test_missing_or_damaged_server_artifacts_are_refused(server: str, tmp_path: Path) -> None:
    write(HOUSE, tmp_path / "project")
    run(TRAIN, cwd=tmp_path / "project", server=server)
    (attached,) = run(ATTACH, cwd=tmp_path / "project", server=server)
    assert [int(attached[0]), attached[1]] == [2, "models:/feats/1"]
    client = mlflow.MlflowClient(server, server)
    client.delete_registered_model_alias("house", "champion")
    first = client.get_model_version("house", "1").source.rpartition("/")[2]  # models:/m-…
    (packaged,) = (tmp_path / "kept").rglob(f"{first}/artifacts/makiserve/sources/house/features.py")
    packaged.write_text(packaged.read_text() + "# edited\n")

    outcomes = run(REFUSED, "models:/house@champion", "models:/house/1", "models:/house/2", cwd=tmp_path, server=server)

    assert [kind for kind, _ in outcomes] == ["ConfigurationError", "ModelRefused", "loaded"]
    assert "Registered model alias champion not found" in outcomes[0][1]
    assert "sources in the artifact were edited after it was logged" in outcomes[1][1]
    assert outcomes[2][1] == "2"


@pytest.mark.parametrize("uri", ["models:/house@champion", "models:/house/1", "runs:/0/model", "mlflow-artifacts:/m"])
def test_unreachable_server_is_reported_within_seconds(uri: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"

    assert seconds_to_refuse(uri, address) < 5


def test_hanging_server_is_reported_within_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")  # what the user sets is kept
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert seconds_to_refuse("models:/house/1", f"http://127.0.0.1:{mute.getsockname()[1]}") < 5


def seconds_to_refuse(uri: str, address: str) -> float:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(address)
    start = time.monotonic()
    try:
        with pytest.raises(ConfigurationError, match=f"^model {uri}: {address} does not answer"):
            load(uri)
    finally:
        mlflow.set_tracking_uri(before)
    return time.monotonic() - start
