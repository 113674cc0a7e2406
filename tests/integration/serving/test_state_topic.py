"""The state topic on a real broker: shared, shortened by retention, too large for one transaction."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)

from makiserve.artifact import features_only
from makiserve.testing.broker import create_topic
from tests.integration.serving.service import Service, read, send, wait_until
from tests.integration.serving.test_check import check

Topic = Callable[..., str]
Start = Callable[..., Service]

COUNTED = "tests.integration.serving.counted:features"
MANY = 20_000
pytestmark = pytest.mark.timeout(3000)  # each wait has its own deadline
SHORT = ["--kafka", "transaction.timeout.ms=3000", "--instance", "pod-0"]


def readings(*keys: int) -> list[bytes]:
    return [b'{"key": %d, "value": 1}' % key for key in keys]


def counts(kafka: str, output: str, enough: int) -> list[Any]:
    messages = read(kafka, output, enough=enough)[0]
    return [(row["key"], row["count"]) for row in (json.loads(message.value()) for message in messages)]


def test_second_input_of_a_group_is_refused(kafka: str, topic: Topic, service: Start) -> None:
    first, second, output = topic(1), topic(1), topic(1)
    send(kafka, first, readings(*[7] * 20))
    send(kafka, second, readings(*[7] * 20))
    running = service(COUNTED, first, output)
    assert counts(kafka, output, 20) == [(7, count + 1) for count in range(20)]
    assert running.stop()[0] == 0
    code, log = service(COUNTED, second, output).wait()
    assert code == 2
    assert f"The group makiserve.{output} has committed offsets of {first}, but this service reads {second}" in log
    assert "--group" in log.splitlines()[-1]
    other = topic(1)
    for end in (20, 23):
        running = service(COUNTED, second, other, "--group", f"own-{output}")
        send(kafka, second, readings(*[7] * (end - 20)))
        assert counts(kafka, other, end) == [(7, count + 1) for count in range(end)]
        assert running.stop()[0] == 0


def test_state_topic_with_cleanup_policy_delete_is_refused(
    kafka: str, topic: Topic, admin: AdminClient, service: Start
) -> None:
    input_, output = topic(1), topic(1)
    for name in (f"makiserve.{output}.state", f"group-of-{output}.state"):
        create_topic(admin, name, 1, cleanup_policy="compact,delete")
    code, log = service(COUNTED, input_, output).wait()
    assert code == 2
    assert "has cleanup.policy=compact,delete but needs compact: retention would remove state" in log
    line = check(kafka, features_only(COUNTED), input_, output)["state topic"]
    assert (line.outcome, line.exit_code) == ("failed", 2)
    assert "cleanup.policy=compact,delete: retention would remove state" in line.words


def test_removed_state_of_a_quiet_key_is_detected(kafka: str, topic: Topic, admin: AdminClient, service: Start) -> None:
    input_, output = topic(1), topic(1)
    for number, key in enumerate((1, 2), 1):
        running = service(COUNTED, input_, output)
        send(kafka, input_, readings(*[key] * 5))
        counts(kafka, output, 5 * number)
        assert running.stop()[0] == 0
        if key == 1:
            place = TopicPartition(f"makiserve.{output}.state", 0)
            place.offset = len(read(kafka, place.topic)[0]) + 1  # its records, and the marker of their transaction
    set_policy(admin, place.topic, "compact,delete")
    admin.delete_records([place])[place].result()
    set_policy(admin, place.topic, "compact")
    code, log = service(COUNTED, input_, output).wait()
    assert code == 5
    assert "segments of the checkpoint of offset 10" in log.splitlines()[-1]
    service(COUNTED, input_, output, "--on-state-loss", "rebuild")
    send(kafka, input_, readings(1))
    assert counts(kafka, output, 11)[-1] == (1, 6)


def test_checkpoint_of_more_keys_than_a_commit_writes_is_exact(kafka: str, topic: Topic, service: Start) -> None:
    """The second life ends by kill -9, whichever slice of a checkpoint it is at."""
    input_, output = topic(1), topic(1)
    for number in range(1, 4):
        running = service(COUNTED, input_, output, *SHORT)
        send(kafka, input_, readings(*range(MANY)))
        counted = counts(kafka, output, number * MANY)
        assert counted == [(key, count + 1) for count in range(number) for key in range(MANY)]
        if number == 1:
            wait_for_checkpoint(kafka, f"makiserve.{output}.state")
        _, log = running.stop(signal.SIGKILL if number == 2 else signal.SIGTERM)
        assert "restarting from the last committed offset" not in log


def wait_for_checkpoint(kafka: str, state: str) -> None:
    """Wait until a complete checkpoint is committed."""
    wait_until(
        lambda: b"metadata" in {message.key() for message in read(kafka, state)[0]},
        lambda: f"{state} has no complete checkpoint",
    )


def set_policy(admin: AdminClient, topic: str, policy: str) -> None:
    """Let retention remove records of a topic, or not."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    resource.add_incremental_config(ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET))
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()
