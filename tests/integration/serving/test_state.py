"""State across restarts on a real broker: checkpoints, warm-ups, lost state."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from makiserve.artifact import PackagedModel
from tests.integration.serving.service import Service, read, send
from tests.integration.serving.test_serving import replayed, served, steps

Topic = Callable[..., str]
Start = Callable[..., Service]

SLOW = "tests.integration.serving.slow:features"
QUICK = ["--kafka", "session.timeout.ms=6000", "--kafka", "max.poll.interval.ms=6000"]


def stopped_after(service: Service, kafka: str, output: str, count: int, how: signal.Signals = signal.SIGTERM) -> None:
    read(kafka, output, enough=count)
    code, log = service.stop(how)
    assert how is signal.SIGKILL or code == 0, log


def forget(admin: AdminClient, topic: str, before: int) -> None:
    """Retention, as it would remove records."""
    for future in admin.delete_records([TopicPartition(topic, 0, before)]).values():
        future.result()


def test_checkpoint_is_restored_after_older_records_are_deleted(
    kafka: str,
    topic: Topic,
    admin: AdminClient,
    service: Start,
    running_uri: str,
    running: PackagedModel,
    tmp_path: Path,
) -> None:
    input_, output, values = topic(1), topic(1), steps(300)
    first = service(running_uri, input_, output)
    send(kafka, input_, values[:200])
    stopped_after(first, kafka, output, 200)
    forget(admin, input_, 200)
    second = service(running_uri, input_, output)
    send(kafka, input_, values[200:])
    assert served(kafka, output, 300) == replayed(running, values, tmp_path)
    assert re.search(r"\[0\]: restored \d+ state records, checkpoint of offset 200", second.stop()[1])


def test_missing_state_topic_is_refused_or_rebuilt(
    kafka: str,
    topic: Topic,
    admin: AdminClient,
    service: Start,
    running_uri: str,
    running: PackagedModel,
    tmp_path: Path,
) -> None:
    input_, output, values = topic(1), topic(1), steps(300)
    first = service(running_uri, input_, output)
    send(kafka, input_, values[:200])
    stopped_after(first, kafka, output, 200)
    state = f"makiserve.{output}.state"
    admin.delete_topics([state])[state].result()
    send(kafka, input_, values[200:])
    code, log = service(running_uri, input_, output).wait()
    reason = log.splitlines()[-1]
    assert code == 5
    assert f"{input_}[0]: state topic {state}: it has no checkpoint instead of the checkpoint of offset 200" in reason
    assert "--on-state-loss rebuild" in reason
    service(running_uri, input_, output, "--on-state-loss", "rebuild")
    assert served(kafka, output, 300) == replayed(running, values, tmp_path)


def test_killed_service_reprocesses_without_output(
    kafka: str, topic: Topic, service: Start, running_uri: str, running: PackagedModel, tmp_path: Path
) -> None:
    input_, output, values = topic(1), topic(1), steps(600)
    options = ["--instance", "pod-0"]
    first = service(running_uri, input_, output, *options)
    send(kafka, input_, values[:200])
    stopped_after(first, kafka, output, 200)
    second = service(running_uri, input_, output, *options)
    send(kafka, input_, values[200:400])
    stopped_after(second, kafka, output, 400, signal.SIGKILL)
    third = service(running_uri, input_, output, *options)
    send(kafka, input_, values[400:])
    assert served(kafka, output, 600) == replayed(running, values, tmp_path)
    assert "restoring → running at offset 400" in third.stop()[1]


def test_warm_up_file_precedes_the_topic(
    kafka: str, topic: Topic, service: Start, running_uri: str, running: PackagedModel, tmp_path: Path
) -> None:
    input_, output, values = topic(1), topic(1), steps(300)
    past = tmp_path / "past.jsonl"
    past.write_bytes(b"\n".join(values[:200]) + b"\n")
    options = ["--warm-up", str(past)]
    first = service(running_uri, input_, output, *options)
    send(kafka, input_, values[200:250])
    stopped_after(first, kafka, output, 50)
    service(running_uri, input_, output, *options)
    send(kafka, input_, values[250:])
    expected = [(offset - 200, value) for offset, value in replayed(running, values, tmp_path) if offset >= 200]
    assert served(kafka, output, 100) == expected


def test_service_killed_in_a_slow_batch_after_warm_up_is_exact(
    kafka: str, topic: Topic, service: Start, tmp_path: Path
) -> None:
    """The second batch has one slow record: what the first one left is committed while the state is already beyond."""
    input_, output = topic(1), topic(1)
    past = tmp_path / "past.jsonl"
    past.write_bytes(b"".join(b'{"number": 0, "value": 1}\n' for _ in range(10)))
    numbers = [*range(1000, 1256), *range(2000, 2005), 50, *range(3000, 3040)]
    options = ["--warm-up", str(past), "--instance", "pod-0", *QUICK]
    send(kafka, input_, [b'{"number": %d, "value": 1}' % number for number in numbers])
    first = service(SLOW, input_, output, *options)
    stopped_after(first, kafka, output, 256, signal.SIGKILL)
    service(SLOW, input_, output, *options)
    rows = [json.loads(message.value()) for message in read(kafka, output, enough=len(numbers))[0]]
    assert [row["number"] for row in rows] == numbers
    assert [row["total"] for row in rows] == [*range(11, 11 + len(numbers))]


def test_record_slower_than_the_poll_interval_keeps_membership(kafka: str, topic: Topic, service: Start) -> None:
    input_, output, values = topic(1), topic(1), steps(100)
    slow = service(SLOW, input_, output, *QUICK)
    send(kafka, input_, values)
    totals = [json.loads(message.value())["total"] for message in read(kafka, output, enough=100)[0]]
    assert totals == pytest.approx([sum(json.loads(v)["value"] for v in values[: n + 1]) for n in range(100)])
    code, log = slow.stop()
    assert code == 0
    assert "lost" not in log
    assert "restarting from the last committed offset" not in log


def test_partition_revoked_during_a_slow_record_is_exact(kafka: str, topic: Topic, service: Start) -> None:
    input_, output, values = topic(4), topic(4), steps(100)
    slow = service(SLOW, input_, output, *QUICK)
    for number in range(4):
        send(kafka, input_, values, partition=number)
    read(kafka, output, enough=1)
    service(SLOW, input_, output, *QUICK)
    outputs = read(kafka, output, enough=400)
    for number in range(4):
        assert [json.loads(message.value())["number"] for message in outputs[number]] == list(range(100))
    assert slow.stop()[0] == 0
