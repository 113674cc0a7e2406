"""`--partition-by` on a real broker, with killed workers."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from tests.integration.serving.service import Service, read, send
from tests.integration.serving.test_workers import children, wait_until_shared

Topic = Callable[..., str]
Start = Callable[..., Service]

PIPELINE = "tests.integration.serving.grouped:features"
PARTITIONS = 4
RECORDS = 300
DAMAGED = b'{"number": 0}'

pytestmark = pytest.mark.timeout(3000)  # each wait has its own deadline


def readings(partition: int) -> list[bytes]:
    """Readings of ten houses, the same ten in every partition; the very first one is as large as a topic takes."""
    rng = random.Random(partition)
    numbers = range(partition * RECORDS, (partition + 1) * RECORDS)
    values: list[dict[str, Any]] = [
        {"number": n, "house name": f"h{rng.randrange(10)}", "value": rng.randrange(9)} for n in numbers
    ]
    filler = {0: {"ignored": "x" * 1_048_000}}
    return [json.dumps(value | filler.get(value["number"], {})).encode() for value in values]


def source(message: Message) -> tuple[int, int]:
    """Partition and offset of the record in the input."""
    text = dict(message.headers())["makiserve.source"].decode()
    partition, _, offset = text.rpartition("[")[2].partition("]@")
    return int(partition), int(offset)


def test_partition_by_groups_equal_values_and_keeps_positions(
    kafka: str, admin: AdminClient, topic: Topic, service: Start
) -> None:
    input_, output = topic(PARTITIONS), topic(PARTITIONS)
    values = [[*readings(number), DAMAGED] for number in range(PARTITIONS)]
    running = service(PIPELINE, input_, output, "--workers", "2", "--instance", "pod", "--partition-by", "house name")
    for group in (f"makiserve.{output}.by-house-name", f"makiserve.{output}"):
        wait_until_shared(admin, group, workers=2)
    with ThreadPoolExecutor(PARTITIONS) as pool:
        for number, partition_values in enumerate(values):
            pool.submit(send, kafka, input_, partition_values, partition=number, pause=lambda: 0.02)
        read(kafka, output, enough=100)
        processes = children(running.process.pid)
        for process in (processes[0], processes[2]):  # one of each stage
            os.kill(process, signal.SIGKILL)
    outputs = read(kafka, output, enough=PARTITIONS * RECORDS)
    messages = [message for number in outputs for message in outputs[number]]
    assert len(messages) == PARTITIONS * RECORDS
    assert sorted(map(source, messages)) == [(p, n) for p in range(PARTITIONS) for n in range(RECORDS)]
    totals: dict[str, list[Any]] = defaultdict(list)
    for number in outputs:
        for message in outputs[number]:
            partition, offset = source(message)
            record = json.loads(values[partition][offset])
            made = json.loads(message.value())
            assert made["house"] == record["house name"]
            assert message.key() == f"k{offset}".encode()
            assert message.timestamp()[1] == 1_700_000_000_000 + offset
            assert [name for name, _ in cast("list[Any]", message.headers())] == [
                "traceparent",
                "makiserve.source",
                *MODEL,
            ]
            totals[made["house"]].append((number, partition, offset, made["total"] - record["value"], made["total"]))
    for rows in totals.values():
        assert len({number for number, *_ in rows}) == 1  # one house, one partition, one state
        assert [before for *_, before, _ in rows] == [0, *(after for *_, after in rows[:-1])]
        for partition in range(PARTITIONS):
            offsets = [offset for _, source, offset, *_ in rows if source == partition]
            assert offsets == sorted(offsets)
    dead_letters = read(kafka, f"{output}.dead-letters", enough=PARTITIONS)
    dead = [message for number in dead_letters for message in dead_letters[number]]
    assert sorted(map(source, dead)) == [(number, RECORDS) for number in range(PARTITIONS)]
    assert {message.value() for message in dead} == {DAMAGED}
    code, log = running.stop()
    assert code == 0, log
    assert "all 4 processes have drained" in log


MODEL = ["makiserve.model", "makiserve.digest"]


def test_unknown_field_is_refused_before_a_topic_is_created(admin: AdminClient, topic: Topic, service: Start) -> None:
    output = topic(1)
    code, log = service(PIPELINE, topic(1), output, "--partition-by", "hous").wait()
    assert code == 2
    assert (
        "--partition-by hous: not a field of Reading; its fields are number, house ('house name' in the data), value"
        in log
    )
    assert [name for name in admin.list_topics(timeout=10).topics if output in name] == [output]
