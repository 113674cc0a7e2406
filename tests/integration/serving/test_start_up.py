"""Commands that cannot work: each exits within seconds, with its exit code and one line with the reason.

Those that end before MLflow is imported, and a few others, start as an operator starts them. The rest are forked.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import mlflow
import pytest
from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import create_topic
from tests.integration.serving.service import ROOT, START_S, fork_server

Topic = Callable[..., str]
Run = Callable[..., "Ended"]


class Ended(NamedTuple):
    """The result of a command.

    Attributes:
        code: exit code.
        reason: the last line on stderr, with its indented details.
    """

    code: int
    reason: str


def ended(code: int, log: str) -> Ended:
    """Return the result. The log must have no traceback, and one line at its end, with details indented below."""
    assert "Traceback" not in log, log
    lines = log.splitlines()
    while lines and lines[-1].startswith("  "):
        lines[-2:] = ["\n".join(lines[-2:])]
    reason = lines[-1] if lines else ""
    assert [line for line in lines if line.startswith("makiserve: ")] in ([], [reason]), log
    return Ended(code, reason.removeprefix("makiserve: "))


@pytest.fixture
def run(tracking_uri: str, tmp_path: Path) -> Run:
    """Return `run("--model", …)`, which runs the command in a separate process in the folder of the test."""

    def run_command(*arguments: str) -> Ended:
        process = subprocess.run(
            [sys.executable, "-m", "makiserve", *arguments],
            cwd=tmp_path,
            env=variables(tracking_uri),
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        return ended(process.returncode, process.stderr)

    return run_command


@pytest.fixture
def fork(tracking_uri: str, tmp_path: Path) -> Run:
    """Return `fork("--model", …)`, which does the same in a process that has imported MLflow."""

    def fork_command(*arguments: str) -> Ended:
        process = fork_server().start(list(arguments), environment=variables(tracking_uri), directory=tmp_path)
        return ended(process.wait(START_S), process.text)

    return fork_command


def variables(tracking_uri: str) -> dict[str, str]:
    """Return the environment of a command. The broker is not in it."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": tracking_uri, "PYTHONPATH": str(ROOT)}
    environment.pop("KAFKA_BOOTSTRAP_SERVERS", None)
    return environment


@pytest.fixture
def serve(fork: Run, running_uri: str, kafka: str, topic: Topic) -> Run:
    """Return `serve(output="x")`, which runs a correct command except for these options."""

    def serve_with(*more: str, **changes: str) -> Ended:
        options = {"model": running_uri, "bootstrap-servers": kafka, **changes}
        options = {"input": options.get("input") or topic(2), "output": options.get("output") or topic(2), **options}
        return fork(*(part for name, value in options.items() for part in (f"--{name}", value)), *more)

    return serve_with


@pytest.fixture
def unreachable() -> Iterator[str]:
    """An address without a listener."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def tampered(running_uri: str, tmp_path: Path) -> str:
    """The model, whose first reference output was another one."""
    directory = Path(mlflow.artifacts.download_artifacts(running_uri, dst_path=str(tmp_path / "model")))
    path = directory / "makiserve/reference_outputs.jsonl"
    first, *others = path.read_text().splitlines()
    output = json.loads(first)
    output["prediction"] += 1
    path.write_text("\n".join([json.dumps(output), *others]) + "\n")
    return str(directory)


def test_start_without_a_broker_is_refused(run: Run, running_uri: str, unreachable: str) -> None:
    topics = ("--input", "in", "--output", "out")
    code, reason = run("--model", running_uri, *topics, "--bootstrap-servers", unreachable)
    assert code == 4
    assert reason.startswith(f"No broker at {unreachable} answered within 10 s")
    assert reason.endswith("Check the address and the network, then start again.")


@pytest.mark.parametrize("name", ["input", "output"])
def test_start_without_a_topic_is_refused(serve: Run, name: str) -> None:
    code, reason = serve(**{name: "no-such-topic"})
    assert code == 2
    assert reason.startswith("Topic no-such-topic does not exist at ")


def test_start_with_fewer_output_partitions_is_refused(serve: Run, topic: Topic) -> None:
    narrow = topic(1)
    code, reason = serve(output=narrow)
    assert code == 2
    assert reason.startswith(f"topic {narrow} has 1 partitions, ")


def test_start_with_state_of_fewer_partitions_is_refused(serve: Run, topic: Topic, admin: AdminClient) -> None:
    group = topic(1)
    create_topic(admin, f"{group}.state", 1)
    code, reason = serve("--group", group)
    assert code == 5
    assert "had 1 partitions when its state was written and now has 2" in reason
    assert "delete" not in reason


def test_start_with_a_name_that_is_too_long_is_refused(serve: Run, topic: Topic, admin: AdminClient) -> None:
    group = "g" * 244
    code, reason = serve("--group", group)
    assert code == 2
    assert reason.startswith("the name of the state topic, ggg")
    assert "has 250 characters, but Kafka allows 249. Nothing was created." in reason


def test_start_with_the_state_topic_as_output_is_refused(serve: Run, topic: Topic, admin: AdminClient) -> None:
    group = topic(1)
    create_topic(admin, f"{group}.state", 2)
    code, reason = serve("--group", group, output=f"{group}.state")
    assert code == 2
    assert reason.startswith(f"{group}.state is the state topic of the group {group} and cannot be the output as well")


def test_start_with_the_input_as_output_is_refused(serve: Run, topic: Topic) -> None:
    name = topic(2)
    for options, flag in (({"output": name}, "--output"), ({"dead-letters": name}, "--dead-letters")):
        code, reason = serve(input=name, **options)
        assert code == 2
        assert reason == (
            f"the input {name} cannot be an output as well: the service would read its own outputs. "
            f"Choose another {flag}"
        )


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("nonsense", "--kafka nonsense: expected KEY=VALUE, such as security.protocol=SSL"),
        ("no.such=1", 'No such configuration property: "no.such"'),
        ("session.timeout.ms=10", "choose a session.timeout.ms within the broker's bounds"),
        ("isolation.level=read_uncommitted", "The Kafka property isolation.level cannot be set"),
    ],
)
def test_start_with_an_unknown_kafka_option_is_refused(serve: Run, option: str, reason: str) -> None:
    refusal = serve("--kafka", option)
    assert refusal.code == 2
    assert reason in refusal.reason


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("models:/none-such@champion", "none-such not found"),
        ("models:/running@none-such", "alias none-such not found"),
        ("models:/running/99", "version=99) not found"),
        ("runs:/0123456789abcdef0123456789abcdef/model", "not found"),
        ("no/such/directory", "the directory does not exist"),
    ],
)
def test_start_with_a_missing_model_is_refused(fork: Run, running_uri: str, uri: str, reason: str) -> None:
    refusal = fork("--model", uri, "--input", "in", "--output", "out", "--bootstrap-servers", "127.0.0.1:9")
    assert refusal.code == 2
    assert refusal.reason.startswith(f"model {uri}: ")
    assert reason in refusal.reason


def test_start_with_wrong_reference_outputs_is_refused(serve: Run, tampered: str) -> None:
    code, reason = serve(model=tampered)
    assert code == 3
    assert reason.startswith(f"{tampered} does not reproduce its reference outputs here, so it must not serve")
    assert "prediction: 1 of 32 differ, the first at record 0" in reason


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("", "to serve (without --replay FILE), give --model (or --features), --input, --output, --bootstrap-servers"),
        ("--model m", "to serve (without --replay FILE), give --input, --output, --bootstrap-servers"),
        ("--model m --input in --output out", "to serve (without --replay FILE), give --bootstrap-servers"),
        ("--model m --input in --replay x.csv", "--input: not valid with --replay"),
        ("--model m --input in --output out --bootstrap-servers b --label x", "--label: only valid with --replay"),
        ("--replay x.csv", "give the model"),
        ("--model m --commit-interval 0ms", "--commit-interval 0ms: expected 1ms or more"),
        ("--model m --commit-interval 100", "--commit-interval 100: expected a duration with its unit, such as 100ms"),
        ("--model m --from yesterday", "--from yesterday: expected earliest or latest"),
        ("--config none.toml", "none.toml: No such file or directory"),
        ("--group g explain x:y", "--group: put the options of a command after its name: makiserve explain"),
        ("--none-such", "Error: No such option '--none-such'"),
    ],
)
def test_start_with_missing_or_wrong_options_is_refused(run: Run, options: str, reason: str) -> None:
    refusal = run(*options.split())
    assert refusal.code == 2
    assert reason in refusal.reason


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        (None, "", "records.csv: No such file or directory"),
        ("", "", "records.csv: the file is empty, but a CSV file must begin with a header"),
        ("number,other\n1,2\n", "", "records.csv: the header lacks 'value', which Step declares"),
        ("number,value\n1,2\n", "--label none", "--label none: not a field of Step; its fields are number, value"),
        ("number,value\n", "--label value", "so there is nothing to measure"),
        ("number,value\n1,2\n", "--output no/such/out.csv", "no/such/out.csv: No such file or directory"),
    ],
    ids=["missing", "empty", "column missing", "wrong label", "no record for the label", "unwritable output"],
)
def test_replay_of_an_unusable_file_is_refused(
    fork: Run, running_uri: str, tmp_path: Path, content: str | None, options: str, reason: str
) -> None:
    if content is not None:
        (tmp_path / "records.csv").write_text(content)
    refusal = fork("--model", running_uri, "--replay", "records.csv", *options.split())
    assert refusal.code == 2
    assert reason in refusal.reason


def test_replay_of_a_header_without_records_succeeds(run: Run, running_uri: str, tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("number,value\n")
    code, said = run("--model", running_uri, "--replay", "records.csv")
    assert code == 0
    assert said.endswith("reproduces its 32 reference outputs")  # and nothing after that
