"""The service on a real broker: its outputs equal a replay, exactly once and in order, despite faults."""

from __future__ import annotations

import csv
import json
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.offline import compare
from tests.integration.serving.service import Service, predictions, read, send, sources, traceparent

Topic = Callable[..., str]
Start = Callable[..., Service]


def steps(count: int, seed: int = 1) -> list[bytes]:
    rng = random.Random(seed)
    return [json.dumps({"number": n, "value": round(rng.gauss(5, 3), 3)}).encode() for n in range(count)]


def replayed(model: PackagedModel, values: list[bytes], tmp_path: Path) -> list[tuple[int, float]]:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"\n".join(values) + b"\n")
    return makiserve.replay(model, path).outputs


def served(kafka: str, topic: str, count: int, partition: int = 0) -> list[tuple[int, float]]:
    messages = read(kafka, topic, enough=count)[partition]
    return list(zip(sources(messages), predictions(messages), strict=True))


def test_served_house_equals_the_replay(
    kafka: str, topic: Topic, service: Start, house_uri: str, house_csv: Path
) -> None:
    rng = random.Random(7)
    input_, output = topic(1), topic(1)
    with house_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("time", "House overall [kW]", "temperature", "pressure", "windSpeed")
    values = [json.dumps({name: json.loads(row[name]) for name in names}).encode() for row in rows]
    service(house_uri, input_, output)
    send(kafka, input_, values, pause=lambda: rng.random() * 0.02 if rng.random() < 0.05 else 0)
    messages = read(kafka, output, enough=42)[0]
    wanted = makiserve.replay(house_uri, house_csv).outputs
    expected = [((input_, offset), json.dumps({"prediction": value}).encode()) for offset, value in wanted]
    actual = [((input_, source), message.value()) for source, message in zip(sources(messages), messages, strict=True)]
    comparison = compare(expected, actual, tolerance=1e-12)  # Ridge calls BLAS: the last bits depend on the batch
    assert comparison.agree, comparison
    assert comparison.identical + comparison.close == len(actual) == 42


def test_output_keeps_key_partition_time_and_headers(
    kafka: str, topic: Topic, service: Start, running_uri: str, running: PackagedModel
) -> None:
    input_, output = topic(3), topic(3)
    service(running_uri, input_, output)
    send(kafka, input_, steps(5), partition=2)
    outputs = read(kafka, output, enough=5)
    assert [len(outputs[number]) for number in range(3)] == [0, 0, 5]
    message = outputs[2][3]
    assert message.key() == b"k3"
    assert message.timestamp()[1] == 1_700_000_000_003
    assert dict(message.headers()) == {
        "traceparent": traceparent(3),
        "makiserve.source": f"{input_}[2]@3".encode(),
        "makiserve.model": b"running",
        "makiserve.version": b"1",
        "makiserve.digest": running.digest.encode(),
    }


def test_unscorable_record_is_a_dead_letter_without_effect(
    kafka: str, topic: Topic, service: Start, running_uri: str, running: PackagedModel, tmp_path: Path
) -> None:
    input_, output = topic(1, **{"max.message.bytes": "4000000"}), topic(1)
    values = steps(60)
    bad = {
        10: b'{"number": 10, "val',
        20: b'{"number": "x", "value": 1}',
        30: b'{"number": 30, "value": 13}',
        40: b'{"number": 1' + b" " * 2_000_000,
        50: b"",
    }
    for index, value in bad.items():
        values[index] = value
    service(running_uri, input_, output)
    send(kafka, input_, values)
    dead_letters = read(kafka, f"{output}.dead-letters", enough=5)[0]
    assert sources(dead_letters) == sorted(bad)
    headers = [dict(dead_letter.headers()) for dead_letter in dead_letters]
    reasons = [letter_headers["makiserve.reason"] for letter_headers in headers]
    assert reasons == [b"decode", b"decode", b"operator", b"decode", b"decode"]
    assert "field 'number': expected int, got \"x\"" in headers[1]["makiserve.error"].decode()
    assert headers[2]["makiserve.operator"] == b"map"
    assert "ZeroDivisionError" in headers[2]["makiserve.traceback"].decode()
    assert [dead_letter.value() for dead_letter in dead_letters[:3]] == [bad[10], bad[20], bad[30]]
    assert (dead_letters[3].value(), headers[3]["makiserve.value-omitted"]) == (None, b"2000012 bytes")
    outputs = served(kafka, output, 55)
    good = [value for index, value in enumerate(values) if index not in bad]
    offsets = [index for index in range(60) if index not in bad]
    assert outputs == [(offsets[at], value) for at, value in replayed(running, good, tmp_path)]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_restart_is_exact(
    kafka: str,
    topic: Topic,
    service: Start,
    running_uri: str,
    running: PackagedModel,
    tmp_path: Path,
    how: signal.Signals,
) -> None:
    input_, output = topic(1), topic(1)
    values = steps(3000)
    options = ["--instance", "one"]
    first = service(running_uri, input_, output, *options)
    send(kafka, input_, values[:1000])
    read(kafka, output, enough=200)
    send(kafka, input_, values[1000:2000])
    code, log = first.stop(how)
    assert code == (0 if how != signal.SIGKILL else -9), log
    service(running_uri, input_, output, *options)
    send(kafka, input_, values[2000:])
    assert served(kafka, output, 3000) == replayed(running, values, tmp_path)


def test_partitions_moved_between_services_are_exact(
    kafka: str, topic: Topic, service: Start, running_uri: str, running: PackagedModel, tmp_path: Path
) -> None:
    input_, output = topic(4), topic(4)
    values = {number: steps(1500, seed=number) for number in range(4)}
    service(running_uri, input_, output)
    for number, partition_values in values.items():
        send(kafka, input_, partition_values[:500], partition=number)
    read(kafka, output, enough=500)
    second = service(running_uri, input_, output)
    for number, partition_values in values.items():
        send(kafka, input_, partition_values[500:1000], partition=number)
    read(kafka, output, enough=2000)
    second.stop()
    for number, partition_values in values.items():
        send(kafka, input_, partition_values[1000:], partition=number)
    outputs = read(kafka, output, enough=6000)
    for number, partition_values in values.items():
        pairs = list(zip(sources(outputs[number]), predictions(outputs[number]), strict=True))
        assert pairs == replayed(running, partition_values, tmp_path)


def test_drained_group_has_committed_all_input(kafka: str, topic: Topic, service: Start, running_uri: str) -> None:
    input_, output = topic(1), topic(1)
    running_service = service(running_uri, input_, output)
    send(kafka, input_, steps(100))
    read(kafka, output, enough=100)
    code, log = running_service.stop()
    assert code == 0
    assert "drained" in log
    assert "100 records, 100 outputs, 0 dead letters" in log
    group = Consumer({"bootstrap.servers": kafka, "group.id": f"makiserve.{output}"})
    (committed,) = group.committed([TopicPartition(input_, 0)], timeout=10)
    assert committed.offset == 100
    group.close()
