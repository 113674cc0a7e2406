"""`--watch` with a separate registry: the alias moves under load, is deleted, and the server is killed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlflow import MlflowClient

import makiserve
from makiserve.offline.sources import TopicSpan
from makiserve.scoring import ModelGroup
from tests.integration.serving.registry import Log, Server, feeding, log, outputs_of, replayed, scored, watching
from tests.integration.serving.service import Service, read, send, sources
from tests.integration.serving.test_serving import steps
from tests.integration.test_packaging_server import run
from tests.unit.artifact.example import FEATURES, HOUSE, write

Topic = Callable[..., str]
Start = Callable[..., Service]
PARTITIONS = 2
SWITCH = re.compile(r"\[(\d)\]: models:/running/(\d) → models:/running/(\d) at offset (\d+)")


def test_outputs_around_a_switch_equal_the_replay(kafka: str, topic: Topic, server: Server, tmp_path: Path) -> None:
    server.move("1")
    input_, output = topic(PARTITIONS), topic(PARTITIONS)
    values = [steps(20_000, seed) for seed in range(PARTITIONS)]
    with (
        feeding(kafka, input_, values) as end,
        watching("running", kafka, input_, output, server, PARTITIONS) as service_log,
    ):
        read(kafka, output, enough=20)
        server.move("3")
        service_log.wait("models:/running/3 must not serve")
        server.move("2")
        service_log.wait("→ models:/running/2 at offset", PARTITIONS)
        outputs_of(kafka, output, "2")
        server.delete_alias()
        service_log.wait("still serving models:/running/2, because newer versions cannot be checked or loaded")
        server.move("1")
        service_log.wait("→ models:/running/1 at offset", PARTITIONS)
        models = {version: makiserve.load(f"models:/running/{version}") for version in "12"}
        server.die()
        service_log.wait("still serving models:/running/1, because newer versions cannot be checked or loaded: ")
        expected = replayed(models, end(), tmp_path)
        outputs = read(kafka, output, enough=sum(map(len, expected["1"])))
        assert service_log.end() == 0

    switches = [tuple(map(int, match.groups())) for line in service_log.lines if (match := SWITCH.search(line))]
    assert [switch[:3] for switch in sorted(switches)] == [(0, 1, 2), (0, 2, 1), (1, 1, 2), (1, 2, 1)]
    for number in range(PARTITIONS):
        first, second = sorted(offset for partition, _, _, offset in switches if partition == number)
        assert 0 < first < second
        want = [
            (offset, version, prediction)
            for (offset, of_1), (_, of_2) in zip(expected["1"][number], expected["2"][number], strict=True)
            for version, prediction in [("2", of_2) if first <= offset < second else ("1", of_1)]
        ]
        assert list(scored(outputs[number])) == want


LOG = """
import makiserve
from sklearn.linear_model import Ridge
from house.features import Reading, features

readings = [Reading(i, 50.0 + i / 3, float(i % 7)) for i in range(40)]
frame = makiserve.features_frame(readings, features=features, record=Reading)
makiserve.log_model(
    Ridge().fit(frame, range(40)), features=features, record=Reading, reference=readings,
    registered_model_name="house", alias="served", pip_requirements=["scikit-learn"],
)
"""


def test_changed_pipeline_is_served_by_a_new_process(
    kafka: str, topic: Topic, service: Start, tracking_uri: str, tmp_path: Path
) -> None:
    write(HOUSE, tmp_path)
    run(LOG, cwd=tmp_path, server=tracking_uri)
    input_, output = topic(), topic()
    options = ["--watch", "200ms", "--on-state-loss", "rebuild", "--http", "off"]
    running = service("models:/house@served", input_, output, *options)
    service_log = Log(running)
    service_log.wait("restoring → running")
    record = b'{"minute": 1, "fahrenheit": 70.0, "wind speed": 2.0}'
    send(kafka, input_, [record] * 5)
    read(kafka, output, enough=5)
    write({"house/features.py": FEATURES.replace("i.wind", "-i.wind")}, tmp_path)

    run(LOG, cwd=tmp_path, server=tracking_uri)

    service_log.wait("restarting the process: models:/house/2 has another pipeline, which only a new process can serve")
    service_log.wait("restoring → running")
    send(kafka, input_, [record] * 5)
    (messages,) = read(kafka, output, enough=10).values()
    assert [version for _, version, _ in scored(messages)] == ["1"] * 5 + ["2"] * 5
    assert sources(messages) == [*range(10)]
    assert service_log.end() == 0


def test_workers_restart_with_a_changed_pipeline(
    kafka: str, topic: Topic, service: Start, tracking_uri: str, tmp_path: Path
) -> None:
    write(HOUSE, tmp_path)
    run(LOG.replace('"house"', '"houses"'), cwd=tmp_path, server=tracking_uri)
    input_, output = topic(PARTITIONS), topic(PARTITIONS)
    options = ["--watch", "200ms", "--on-state-loss", "rebuild", "--http", "off", "--workers", "2"]
    running = service("models:/houses@served", input_, output, *options)
    service_log = Log(running)
    service_log.wait("restoring → running", PARTITIONS)
    record = b'{"minute": 1, "fahrenheit": 70.0, "wind speed": 2.0}'
    for number in range(PARTITIONS):
        send(kafka, input_, [record] * 5, partition=number)
    read(kafka, output, enough=5 * PARTITIONS)
    write({"house/features.py": FEATURES.replace("i.wind", "-i.wind")}, tmp_path)

    run(LOG.replace('"house"', '"houses"'), cwd=tmp_path, server=tracking_uri)

    service_log.wait("exited with exit code 6: restarting it", 2)
    for number in range(PARTITIONS):
        send(kafka, input_, [record] * 5, partition=number)
    outputs = read(kafka, output, enough=10 * PARTITIONS)
    for number in range(PARTITIONS):
        assert [version for _, version, _ in scored(outputs[number])] == ["1"] * 5 + ["2"] * 5
        assert sources(outputs[number]) == [*range(10)]
    assert service_log.end() == 0


SIDE_BY_SIDE = ["--split", "challenger=40%", "--shadow", "models:/running@challenger"]


def test_split_and_shadow_equal_the_replay(
    kafka: str, topic: Topic, service: Start, running_uri: str, tmp_path: Path
) -> None:
    log(seed=5)
    MlflowClient().set_registered_model_alias("running", "challenger", "2")
    input_, output, shadow = topic(PARTITIONS), topic(PARTITIONS), topic(PARTITIONS)
    values = [steps(300, seed) for seed in range(PARTITIONS)]
    options = [*SIDE_BY_SIDE, "--shadow-output", shadow]
    for number, partition_values in enumerate(values):
        send(kafka, input_, partition_values, partition=number)
    running = service(running_uri, input_, output, *options, "--http", "off")

    written = read(kafka, output, enough=300 * PARTITIONS)
    watched = read(kafka, shadow, enough=300 * PARTITIONS)

    assert running.stop()[0] == 0
    champion, challenger = (makiserve.load(f"models:/running@{alias}") for alias in ("champion", "challenger"))
    again = makiserve.replay(replace(champion, companions=ModelGroup(challenger, 0.4)), TopicSpan(input_, kafka))
    alone = replayed({"2": challenger}, values, tmp_path)["2"]
    for number in range(PARTITIONS):
        outputs = list(scored(written[number]))
        assert 60 < sum(version == "2" for _, version, _ in outputs) < 180
        assert list(scored(watched[number])) == [(offset, "2", prediction) for offset, prediction in alone[number]]
    served = [(offset, prediction) for number in range(PARTITIONS) for offset, _, prediction in scored(written[number])]
    assert again.outputs == served


def test_aliases_of_challenger_and_shadow_are_followed(
    kafka: str, topic: Topic, service: Start, running_uri: str
) -> None:
    first, second = (log_version(seed) for seed in (6, 7))
    MlflowClient().set_registered_model_alias("running", "challenger", first)
    input_, output, shadow = topic(), topic(), topic()
    options = [*SIDE_BY_SIDE, "--shadow-output", shadow, "--watch", "200ms", "--http", "off"]
    service_log = Log(running := service(running_uri, input_, output, *options))
    values = steps(400, 1)
    send(kafka, input_, values[:200])
    read(kafka, shadow, enough=200)

    MlflowClient().set_registered_model_alias("running", "challenger", second)

    service_log.wait(f"challenger: models:/running/{first} → models:/running/{second}")
    service_log.wait(f"shadow: models:/running/{first} → models:/running/{second}")
    send(kafka, input_, values[200:])
    watched = list(scored(read(kafka, shadow, enough=400)[0]))
    written = list(scored(read(kafka, output, enough=400)[0]))
    assert service_log.end() == 0
    assert running.process.code == 0
    assert [version for _, version, _ in watched] == [first] * 200 + [second] * 200
    (champion,) = {version for _, version, _ in written} - {first, second}
    assert {version for offset, version, _ in written if offset < 200} == {champion, first}
    assert {version for offset, version, _ in written if offset >= 200} == {champion, second}
    said = {offset: prediction for offset, _, prediction in watched}
    assert all(said[offset] == prediction for offset, version, prediction in written if version != champion)


def log_version(seed: int) -> str:
    """A new version of the model, and its number."""
    log(seed=seed)
    model_versions = MlflowClient().search_model_versions("name='running'")
    return str(max(int(model_version.version) for model_version in model_versions))
