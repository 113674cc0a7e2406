"""Several workers under a supervisor, serving a pipeline without a model."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

import makiserve
from makiserve.artifact import features_only
from tests.integration.serving.service import Service, read, send, sources, wait_until
from tests.integration.serving.test_serving import steps

Topic = Callable[..., str]
Start = Callable[..., Service]

PIPELINE = "tests.integration.serving.pipeline:features"
PARTITIONS = 6
RECORDS = 600

pytestmark = pytest.mark.timeout(3000)  # each wait has its own deadline


def replayed(values: list[bytes], tmp_path: Path) -> list[tuple[int, Any]]:
    """Offset and features of each output."""
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"\n".join(values) + b"\n")
    return makiserve.replay(features_only(PIPELINE), path).outputs


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_shared(admin: AdminClient, group: str, workers: int) -> None:
    """Wait until each of the members has the same number of partitions."""

    def shares() -> list[int]:
        with suppress(KafkaException):  # its coordinator is being found
            members = admin.describe_consumer_groups([group])[group].result().members
            return [len(member.assignment.topic_partitions) for member in members]
        return []

    def is_shared() -> bool:
        return len(counts := shares()) == workers and min(counts) == max(counts) > 0

    wait_until(is_shared, lambda: f"the members of {group} have {shares()} partitions")


def test_workers_share_partitions_and_survive_a_kill(
    kafka: str, admin: AdminClient, topic: Topic, service: Start, tmp_path: Path
) -> None:
    input_, output = topic(PARTITIONS), topic(PARTITIONS)
    values = [steps(RECORDS, seed) for seed in range(PARTITIONS)]
    running = service(PIPELINE, input_, output, "--workers", "3", "--instance", "pod-0")
    wait_until_shared(admin, f"makiserve.{output}", workers=3)
    with ThreadPoolExecutor(PARTITIONS) as pool:
        for number, partition_values in enumerate(values):
            pool.submit(send, kafka, input_, partition_values, partition=number, pause=lambda: 0.02)
        read(kafka, output, enough=300)
        killed = children(running.process.pid)[1]
        os.kill(killed, signal.SIGKILL)
    outputs = read(kafka, output, enough=PARTITIONS * RECORDS)
    for number, partition_values in enumerate(values):
        items = [json.loads(message.value()) for message in outputs[number]]
        assert list(zip(sources(outputs[number]), items, strict=True)) == replayed(partition_values, tmp_path)
    workers = children(running.process.pid)
    assert len(workers) == 3
    assert killed not in workers
    # The restarted worker may still import its libraries on a busy machine.
    wait_until(lambda: running.process.text.count("worker 2: serving ") == 2, lambda: running.process.text)
    code, log = running.stop()
    assert code == 0, log
    assert "worker 2 exited, killed by SIGKILL: restarting it in 0 s" in log
    assert "all 3 processes have drained" in log
    for name in ("worker 1: ", "worker 2: ", "worker 3: "):
        assert f"{name}drained: all scored records are committed" in log
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_supervisor_exits_with_a_fatal_code_of_a_worker(kafka: str, topic: Topic, service: Start) -> None:
    code, log = service(PIPELINE, topic(1), "nowhere", "--workers", "2").wait()
    assert code == 2
    assert "Topic nowhere does not exist" in log
    assert "and cannot be restarted: draining the other workers" in log
    assert "Traceback" not in log
