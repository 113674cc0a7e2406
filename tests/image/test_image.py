"""The image serves the electricity model against a real broker. `make image` builds it and runs this."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from sklearn.linear_model import Ridge

import makiserve
from makiserve.building import BASE, find_engine
from makiserve.records import RecordFile, Schema
from makiserve.testing.broker.kafka import free_ports
from models.electricity.data import write_house
from models.electricity.features import Reading, features
from tests.image.container import Image, Running
from tests.integration.serving.service import predictions, read, send, sources, wait_until

INPUTS = ["pspeed_ratio", "temperature", "temperature_stddev"]
HOUSE = "makiserve-house:test"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SYNTHETIC readings."""
    path = tmp_path_factory.mktemp("house") / "house.csv"
    write_house(path, rows=3000, seed=7)
    return path


@pytest.fixture(scope="module")
def model(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain path, as where no registry can be reached."""
    directory = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{directory / 'mlflow.db'}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        frame = makiserve.features_frame(house, features=features, record=Reading)
        ridge = Ridge(alpha=0.5).fit(frame[INPUTS], frame["label"])
        uri = makiserve.log_model(ridge, features=features, record=Reading, reference=house).model_uri
        path = mlflow.artifacts.download_artifacts(uri, dst_path=str(directory / "copy"))
    mlflow.set_tracking_uri(before)
    return Path(path)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The serving image."""
    engine = find_engine()
    assert engine
    with Image(engine, BASE) as built:
        yield built


@pytest.fixture(scope="module")
def baked(image: Image, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image that `makiserve build` makes, with the model in it."""
    context = tmp_path_factory.mktemp("build") / "context"
    command = ["build", "--model", str(model), "--tag", HOUSE, "--context", str(context)]
    for name in ("pip.conf", "ca.pem"):
        if file := os.environ.get(f"IMAGE_{name}"):
            command += ["--secret", f"{name}={file}"]
    done = subprocess.run([sys.executable, "-m", "makiserve", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"built {HOUSE} with {image.engine.name}" in done.stdout
    with Image(image.engine, HOUSE) as built:
        yield built


def test_image_labels_describe_it(image: Image) -> None:
    config = image.config
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["makiserve"]
    assert "OMP_NUM_THREADS=1" in config["Env"]
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    assert config["Labels"]["org.opencontainers.image.version"] == makiserve.__version__


def test_image_contains_only_what_serving_needs(image: Image) -> None:
    code = "import importlib.metadata as m; print(*(distribution.name for distribution in m.distributions()))"
    status, output, log = image.run("-c", code, entrypoint=["python"]).end()
    assert status == 0, log
    installed = set(output.split())
    assert {"makiserve", "mlflow-skinny", "scikit-learn", "confluent-kafka"} <= installed
    assert not installed & {"mlflow", "pip", "pytest", "ruff", "mypy", "matplotlib", "playwright", "rxsci", "Flask"}


def test_image_contains_nothing_of_the_build_machine(image: Image) -> None:
    script = (
        "id -u; ls /etc/pip.conf /run/secrets 2>/dev/null; touch /srv/x /opt/makiserve/x 2>/dev/null || echo read-only"
    )
    status, output, _ = image.run("-c", script, entrypoint=["sh"]).end()
    assert (status, output.split()) == (0, ["10001", "read-only"])


def test_read_only_container_serves_and_drains_exactly(
    baked: Image, model: Path, house: Path, kafka: str, topic: Callable[..., str]
) -> None:
    input_, output = topic(1), topic(1)
    schema = Schema(Reading)
    blocks: Iterable[Any] = RecordFile(house, schema)
    values = [schema.encode_json(record) for block in blocks for record in block]
    expected = makiserve.replay(str(model), house).outputs
    address = f"127.0.0.1:{free_ports(1)[0]}"
    options = ["--input", input_, "--output", output, "--bootstrap-servers", kafka]
    half = len(values) // 2

    with baked.run(*options, MAKISERVE_HTTP=address) as running:
        wait_until_ready(address, running)
        assert baked.run(entrypoint=baked.config["Healthcheck"]["Test"][1:], MAKISERVE_HTTP=address).end()[0] == 0
        send(kafka, input_, values[:half])
        read(kafka, output, enough=len(expected) // 4)
        running.process.send_signal(signal.SIGTERM)
        status, _, log = running.end()
    assert status == 0, log
    assert "drained: all scored records are committed" in log
    assert baked.run(entrypoint=baked.config["Healthcheck"]["Test"][1:], MAKISERVE_HTTP=address).end()[0] != 0

    send(kafka, input_, values[half:])
    with baked.run(*options, MAKISERVE_HTTP=address) as running:
        outputs = read(kafka, output, enough=len(expected))[0]
        running.process.send_signal(signal.SIGTERM)
        assert running.end()[0] == 0
    assert sources(outputs) == [offset for offset, _ in expected]
    assert predictions(outputs) == pytest.approx([value for _, value in expected], rel=1e-9)  # BLAS rounds by the batch


def wait_until_ready(address: str, running: Running) -> None:
    def is_ready_or_ended() -> bool:
        assert running.process.poll() is None, running.end()[2]
        return is_ready(address)

    wait_until(is_ready_or_ended, lambda: f"{address} is not ready")


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # refused, 503, or too late on a busy machine
        return False
