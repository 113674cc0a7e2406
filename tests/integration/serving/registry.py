"""A model registry in a separate process, the log of a service that follows it, and the versions of its outputs."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from sklearn.ensemble import RandomForestRegressor

import makiserve
from tests.integration.serving.pipeline import REFERENCE, Features, Step, features
from tests.integration.serving.service import START_S, Service, read, send, sources
from tests.integration.test_packaging_server import tracking_server


class Server:
    """A tracking server with three versions of a model, of which the third is damaged. It ends with the test."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.uri = stack.enter_context(tracking_server(folder))
        mlflow.set_tracking_uri(self.uri)
        for version in (1, 2, 3):
            log(seed=version)
        self._damage(folder, "3")

    def _damage(self, folder: Path, version: str) -> None:
        model = MlflowClient().get_model_version("running", version).source.removeprefix("models:/")
        (path,) = (folder / "kept").glob(f"**/{model}/artifacts/makiserve/reference_outputs.jsonl")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        damaged = [line | {"prediction": line["prediction"] + 1} for line in lines]
        path.write_text("".join(json.dumps(line) + "\n" for line in damaged))

    def move(self, version: str, name: str = "running") -> None:
        MlflowClient().set_registered_model_alias(name, "champion", version)

    def delete_alias(self) -> None:
        MlflowClient().delete_registered_model_alias("running", "champion")

    def die(self) -> None:
        self._stack.close()


def log(seed: int, name: str = "running", **options: Any) -> None:
    """Log a model that predicts rows independently; each seed gives another model."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.normal(10, 5, (200, 4)), columns=list(Features._fields))
    forest = RandomForestRegressor(n_estimators=3, random_state=seed).fit(rows, rows["total"] * seed + rows["recent"])
    log_fitted(forest, name, **options)


def log_fitted(model: Any, name: str, **options: Any) -> None:
    """Log a model of these features as a new version."""
    makiserve.log_model(
        model,
        features=features,
        record=Step,
        reference=REFERENCE,
        registered_model_name=name,
        pip_requirements=["scikit-learn"],  # MLflow would start a process that runs the model to infer them
        **options,
    )


class Log:
    """The log of a running service."""

    def __init__(self, service: Service) -> None:
        self._service, self._read = service, 0

    @property
    def lines(self) -> list[str]:
        """The complete lines."""
        return self._service.process.text.rpartition("\n")[0].splitlines()

    def wait(self, text: str, times: int = 1) -> None:
        """Wait until the log has this text `times` times since the last wait."""
        deadline = time.monotonic() + START_S
        while sum(text in line for line in self._unread()) < times:
            assert self._service.process.code is None, self._service.process.text
            assert time.monotonic() < deadline, f"{text!r} is not in:\n{self._service.process.text}"
            time.sleep(0.05)
        self._read = len(self.lines)

    def _unread(self) -> list[str]:
        return self.lines[self._read :]

    def end(self) -> int:
        return self._service.process.end(signal.SIGTERM)


@contextmanager
def feeding(kafka: str, topic: str, values: list[list[bytes]]) -> Iterator[Callable[[], list[list[bytes]]]]:
    """Send 100 records per second to each partition until the yielded function is called; it returns the records."""
    sent, done = [0] * len(values), Event()

    def feed() -> None:
        while not done.wait(0.05):
            for number, partition_values in enumerate(values):
                send(kafka, topic, partition_values[sent[number] : sent[number] + 5], partition=number)
                sent[number] += 5

    def end() -> list[list[bytes]]:
        done.set()
        feeder.join()
        return [partition_values[:count] for partition_values, count in zip(values, sent, strict=True)]

    feeder = Thread(target=feed)
    feeder.start()
    try:
        yield end
    finally:
        end()


@contextmanager
def watching(
    model: str,
    kafka: str,
    input_: str,
    output: str,
    server: Server,
    partitions: int = 1,
    options: Sequence[str] = (),
) -> Iterator[Log]:
    """Start a service that follows an alias, wait until all partitions run, and yield its log."""
    every = ["--watch", "200ms", "--http", "off", *options]
    with Service(f"models:/{model}@champion", kafka, input_, output, server.uri, every) as service:
        service_log = Log(service)
        service_log.wait("restoring → running", partitions)
        yield service_log


def replayed(models: dict[str, Any], values: list[list[bytes]], folder: Path) -> dict[str, list[list[tuple[int, Any]]]]:
    """Return offset and prediction of each output by version and partition."""
    paths = [folder / f"{number}.jsonl" for number in range(len(values))]
    for path, partition_values in zip(paths, values, strict=True):
        path.write_bytes(b"\n".join(partition_values) + b"\n")
    return {version: [makiserve.replay(model, path).outputs for path in paths] for version, model in models.items()}


def scored(messages: list[Any]) -> Iterator[tuple[int, str, Any]]:
    for offset, message in zip(sources(messages), messages, strict=True):
        version = dict(message.headers())["makiserve.version"].decode()
        yield offset, version, json.loads(message.value())["prediction"]


def outputs_of(kafka: str, output: str, version: str) -> None:
    """Wait until there is an output of this version."""
    count = 1
    while True:
        messages = [message for partition in read(kafka, output, enough=count).values() for message in partition]
        if any(dict(message.headers())["makiserve.version"].decode() == version for message in messages):
            return
        count = len(messages) + 1
