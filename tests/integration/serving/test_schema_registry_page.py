"""Every command of the page about schema registries runs, on a real broker with a real registry."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from confluent_kafka.admin import AdminClient
from deltalake import write_deltalake
from pyarrow import parquet

import makiserve
from makiserve.records.registry.http import OPTIONS
from makiserve.testing.broker import RegistryServer, create_topic
from tests.integration.serving.pipeline import REFERENCE
from tests.integration.serving.registry import log
from tests.integration.serving.service import START_S, read
from tests.integration.serving.test_output_formats import read_by_confluent
from tests.integration.serving.test_schema_registry import FIRST, Writer
from tests.integration.serving.test_schema_registry import _clients_are_closed as _clients_are_closed
from tests.terminal import new_terminal

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "schema-registry.md").read_text()
BLOCKS = re.findall(r"```\n(makiserve .*?)```", PAGE, re.DOTALL)
COMMANDS = [command for block in BLOCKS for command in block.replace("\\\n", " ").splitlines()]
SERVE = "makiserve --model"
TOPICS = ["house", "house.predictions"]
CREATED = ["house.predictions.dead-letters", "makiserve.house.predictions.state"]

pytestmark = pytest.mark.timeout(3000)  # each wait has its own deadline


@pytest.fixture
def terminal(kafka: str, admin: AdminClient, tracking_uri: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A terminal with makiserve, the topics of the page, and a file and a Delta table of its records."""
    for name in TOPICS:
        create_topic(admin, name)
    rows = pa.table({"number": [1, 2], "value": [1.0, 2.5]})
    parquet.write_table(rows, tmp_path / "house.parquet")
    write_deltalake(tmp_path / "house", rows)
    yield new_terminal(tmp_path, MAKISERVE_BOOTSTRAP_SERVERS=kafka, MLFLOW_TRACKING_URI=tracking_uri)
    for deleted in admin.delete_topics([*TOPICS, *CREATED]).values():
        deleted.exception()  # one that the run did not come to is none


class Runner:
    """Runs commands of the page, with the addresses of the real servers in place of those of the page."""

    def __init__(self, kafka: str, registry: RegistryServer, folder: Path, environment: dict[str, str]) -> None:
        self._kafka, self._registry, self._folder, self._environment = kafka, registry, folder, environment

    def run(self, command: str) -> str:
        """Return what a command prints."""
        done = subprocess.run(
            self._words(command), cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self, command: str, outputs: int) -> None:
        """Run a service until its topic has this number of outputs, then drain it."""
        words = [*self._words(command), "--http", "off"]
        service = subprocess.Popen(words, cwd=self._folder, env=self._environment)
        try:
            read(self._kafka, "house.predictions", enough=outputs)
            service.terminate()
            assert service.wait(START_S) == 0
        finally:
            service.kill()
            service.wait()

    def _words(self, command: str) -> list[str]:
        addresses = {"http://registry:8081": self._registry.url, "kafka:9092": self._kafka}
        for written, real in addresses.items():
            command = command.replace(written, real)
        return [word for word in shlex.split(command) if word != "…"]


def test_every_command_of_the_page_runs(
    kafka: str, registry: RegistryServer, terminal: dict[str, str], tmp_path: Path
) -> None:
    log(seed=1, name="house", alias="champion")
    writer, runner = Writer(kafka, "house", registry), Runner(kafka, registry, tmp_path, terminal)
    items = [{"number": step.number, "value": step.value} for step in REFERENCE[:20]]
    writer.write(FIRST, items[:10])
    served = [command for command in COMMANDS if command.startswith(SERVE)]
    as_json, as_avro = sorted(served, key=lambda command: "--output-format avro" in command)
    shown = {command: runner.run(command) for command in COMMANDS if command not in served}

    assert [text.count("class House(makiserve.Record):") for text in shown.values()] == [0, 1, 1, 1, 1]
    assert [text.count("    value: float\n") for text in shown.values()] == [0, 1, 1, 1, 1]
    (checked, *_) = shown.values()
    assert re.search(r"passed +.*house-value", checked), checked

    runner.serve(as_json, outputs=10)
    writer.write(FIRST, items[10:])
    runner.serve(as_avro, outputs=20)
    (messages,) = read(kafka, "house.predictions").values()
    outputs = [json.loads(message.value()) for message in messages[:10]]
    outputs += read_by_confluent(registry, "avro", "house.predictions", messages[10:])
    expected = makiserve.replay("models:/house@champion", REFERENCE[:20])
    assert outputs == [{"prediction": value} for _, value in expected.outputs]


def test_the_page_names_every_property_of_the_connection() -> None:
    assert set(re.findall(r"--registry ([a-z.]+)=", PAGE)) == set(OPTIONS)
