"""Topics that change or do not fit the committed offsets: a working service, or one error and a way to continue."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from makiserve.serving.topics import MAX_NAME_LENGTH
from makiserve.testing.broker import create_topic
from tests.integration.serving.service import Service, read, send, sources, wait_until
from tests.integration.serving.test_state_topic import COUNTED, counts, readings, wait_for_checkpoint

Topic = Callable[..., str]
Start = Callable[..., Service]

pytestmark = pytest.mark.timeout(3000)

KEPT = {"retention_ms": "-1"}
"""The records of these tests have old times, which retention would remove on a slow machine."""

STATELESS = "tests.integration.serving.stateless:features"
LOOKING = ["--kafka", "session.timeout.ms=6000"]
"""A service looks at its topics three times in a session."""

MAX_LINES = 60
"""A service that ends with an error logs fewer lines: one that retries without a pause logs thousands."""


def assert_one_clear_error(code: int, log: str, expected: int, *words: str) -> None:
    """The service has ended with this exit code, its last line has these words, and its log is short."""
    assert code == expected, log
    assert [word for word in words if word not in log.splitlines()[-1]] == [], log
    assert "Traceback" not in log
    assert len(log.splitlines()) < MAX_LINES


def assert_calm(code: int, log: str) -> None:
    """The service has drained, without a bug and without a storm of lines."""
    assert code == 0, log
    assert "Traceback" not in log
    assert len(log.splitlines()) < MAX_LINES


def grow(admin: AdminClient, *topics: str) -> None:
    """Add a second partition to topics."""
    for name in topics:
        admin.create_partitions([NewPartitions(name, 2)])[name].result()


def test_stateless_service_reads_added_partitions(kafka: str, topic: Topic, admin: AdminClient, service: Start) -> None:
    input_, output = topic(1, **KEPT), topic(1, **KEPT)
    running = service(STATELESS, input_, output, "--from", "earliest", *LOOKING)
    send(kafka, input_, readings(1, 2))
    read(kafka, output, enough=2)
    grow(admin, output, input_)
    send(kafka, input_, [*readings(3), b"no reading"], partition=1)
    read(kafka, output, enough=3)
    read(kafka, f"{output}.dead-letters", enough=1)
    code, log = running.stop()
    assert_calm(code, log)
    assert f"{input_} had 1 partitions and now has 2: checking all topics" in log
    assert {number: sources(messages) for number, messages in read(kafka, output).items()} == {0: [0, 1], 1: [0]}


def test_stateful_service_exits_if_its_input_gets_partitions(
    kafka: str, topic: Topic, admin: AdminClient, service: Start
) -> None:
    input_, output = topic(1, **KEPT), topic(1, **KEPT)
    running = service(COUNTED, input_, output, "--from", "earliest", *LOOKING)
    send(kafka, input_, readings(7, 7, 7))
    assert counts(kafka, output, 3)[-1] == (7, 3)
    grow(admin, output, input_)
    for _ in range(2):
        code, log = running.wait()
        reason = f"{input_} had 1 partitions when its state was written and now has 2"
        assert_one_clear_error(code, log, 5, reason, "--on-state-loss rebuild", "start-empty")
        assert "delete" not in log.splitlines()[-1]
        running = service(COUNTED, input_, output)
    running.wait()
    running = service(COUNTED, input_, output, "--from", "earliest", "--on-state-loss", "rebuild")
    send(kafka, input_, readings(7))
    send(kafka, input_, readings(7, 8), partition=1)
    assert counts(kafka, output, 6) == [(7, 1), (7, 2), (7, 3), (7, 4)]
    assert_calm(*running.stop())
    assert [json.loads(message.value() or b"")["count"] for message in read(kafka, output)[1]] == [1, 1]
    running = service(COUNTED, input_, output)
    send(kafka, input_, readings(7, 8), partition=1)
    read(kafka, output, enough=8)
    assert_calm(*running.stop())
    assert [json.loads(message.value() or b"")["count"] for message in read(kafka, output)[1]] == [1, 1, 2, 2]


def test_recreated_input_is_read_as_a_new_topic(kafka: str, topic: Topic, admin: AdminClient, service: Start) -> None:
    input_, output = topic(1, **KEPT), topic(1, **KEPT)
    running = service(COUNTED, input_, output, "--from", "earliest", *LOOKING)
    send(kafka, input_, readings(7, 7, 7))
    assert counts(kafka, output, 3)[-1] == (7, 3)
    wait_for_checkpoint(kafka, f"makiserve.{output}.state")
    admin.delete_topics([input_])[input_].result()
    wait_until_gone(admin, input_)
    code, log = running.wait()
    assert_one_clear_error(code, log, 2, f"Topic {input_} does not exist", "Create it")
    create_topic(admin, input_, 1, **KEPT)
    send(kafka, input_, readings(7, 8))
    running = service(COUNTED, input_, output, "--from", "earliest")
    assert counts(kafka, output, 5)[3:] == [(7, 1), (8, 1)]
    assert_calm(*running.stop())


def test_names_of_the_maximum_length_are_served(kafka: str, topic: Topic, admin: AdminClient, service: Start) -> None:
    input_, output = topic(1, **KEPT), "o" * (MAX_NAME_LENGTH - len("makiserve.") - len(".state"))
    create_topic(admin, output, 1, **KEPT)
    for life in (1, 2):
        running = service(COUNTED, input_, output, "--from", "earliest")
        send(kafka, input_, [*readings(7, 7), b"no reading"])
        assert counts(kafka, output, 2 * life) == [(7, count + 1) for count in range(2 * life)]
        read(kafka, f"{output}.dead-letters", enough=life)
        assert_calm(*running.stop())
    made = [name for name in admin.list_topics(timeout=10).topics if output in name]
    assert max(map(len, made)) == MAX_NAME_LENGTH
    admin.delete_topics(made)


def test_committed_offset_beyond_the_end_is_refused(
    kafka: str, topic: Topic, admin: AdminClient, service: Start
) -> None:
    input_, output = topic(1, **KEPT), topic(1, **KEPT)
    group = f"makiserve.{output}"
    send(kafka, input_, readings(7, 7, 7))
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(input_, 0, 1000)], asynchronous=False)
    consumer.close()
    code, log = service(COUNTED, input_, output, "--from", "earliest").wait()
    assert_one_clear_error(
        code,
        log,
        5,
        f"{input_}[0]: the committed offset 1000 is beyond the end of the partition, 3",
        "--delete-offsets",
    )
    admin.delete_consumer_groups([group])[group].result()
    running = service(COUNTED, input_, output, "--from", "earliest")
    assert counts(kafka, output, 3) == [(7, 1), (7, 2), (7, 3)]
    assert running.stop()[0] == 0


def test_deleted_state_topic_is_refused_until_rebuilt(
    kafka: str, topic: Topic, admin: AdminClient, service: Start
) -> None:
    input_, output = topic(1, **KEPT), topic(1, **KEPT)
    state = f"makiserve.{output}.state"
    running = service(COUNTED, input_, output)
    send(kafka, input_, readings(7, 7, 7))
    assert counts(kafka, output, 3)[-1] == (7, 3)
    wait_for_checkpoint(kafka, state)
    admin.delete_topics([state])[state].result()
    wait_until_gone(admin, state)
    send(kafka, input_, readings(7, 7))
    code, log = running.wait()
    assert code != 0
    assert "Traceback" not in log
    assert len(log.splitlines()) < MAX_LINES
    assert state in log
    code, log = service(COUNTED, input_, output).wait()
    assert_one_clear_error(code, log, 5, state, "--on-state-loss rebuild")
    running = service(COUNTED, input_, output, "--on-state-loss", "rebuild")
    send(kafka, input_, readings(7))
    assert counts(kafka, output, 6) == [(7, count + 1) for count in range(6)]
    assert running.stop()[0] == 0


def wait_until_gone(admin: AdminClient, name: str) -> None:
    wait_until(lambda: name not in admin.list_topics(timeout=10).topics, lambda: f"{name} is not deleted")


def test_arrival_time_is_the_log_append_time(kafka: str, topic: Topic, service: Start) -> None:
    """Outputs of records with an old time keep the broker's time of arrival, as the record has no other."""
    input_, output = topic(1, message_timestamp_type="LogAppendTime"), topic(1, **KEPT)
    before_ms = int(time.time() * 1000)
    send(kafka, input_, readings(7, 7))
    running = service(COUNTED, input_, output)
    outputs = read(kafka, output, enough=2)[0]
    arrived = [message.timestamp()[1] for message in read(kafka, input_)[0]]
    assert [message.timestamp()[1] for message in outputs] == arrived
    assert min(arrived) >= before_ms
    assert running.stop()[0] == 0
