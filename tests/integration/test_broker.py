"""The broker of the tests behaves like Kafka: librdkafka's mock cluster passes none of these tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import KafkaDistribution, KafkaServer, create_topic, wait_until_settled

Topic = Callable[..., str]


def transactional(kafka: str, name: str) -> Producer:
    producer = Producer(
        {"bootstrap.servers": kafka, "transactional.id": name, "transaction.timeout.ms": 10_000, "log_level": 0}
    )
    producer.init_transactions(30)
    return producer


def read_committed(kafka: str, group: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )


def visible(kafka: str, topic: str) -> list[bytes]:
    """Every value up to the last stable offset of partition 0."""
    consumer = read_committed(kafka, uuid.uuid4().hex)
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes] = []
    while True:
        message = consumer.poll(30)
        assert message is not None, "neither a record nor the end of the partition within 30 s"
        if message.error() is not None:
            assert message.error().code() == KafkaError._PARTITION_EOF
            consumer.close()
            return values
        values.append(message.value())


def test_read_committed_hides_aborted_and_open_records(kafka: str, topic: Topic) -> None:
    name = topic()
    producer = transactional(kafka, name)
    producer.begin_transaction()
    producer.produce(name, b"aborted")
    producer.flush()
    producer.abort_transaction()
    producer.begin_transaction()
    producer.produce(name, b"committed")
    producer.commit_transaction()
    wait_until_settled(kafka, name)
    producer.begin_transaction()
    producer.produce(name, b"open")
    producer.flush()

    assert visible(kafka, name) == [b"committed"]

    producer.commit_transaction()
    wait_until_settled(kafka, name)
    assert visible(kafka, name) == [b"committed", b"open"]


def test_transactional_offsets_are_stored_at_the_commit(kafka: str, topic: Topic) -> None:
    name = topic()
    producer = transactional(kafka, name)
    consumer = read_committed(kafka, group=name)

    def send_offset(offset: int) -> None:
        producer.begin_transaction()
        offsets = [TopicPartition(name, 0, offset, metadata=f"at {offset}")]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())

    send_offset(5)
    producer.commit_transaction()
    send_offset(9)
    producer.abort_transaction()

    (stored,) = consumer.committed([TopicPartition(name, 0)], 30)
    assert (stored.offset, stored.metadata) == (5, "at 5")
    consumer.close()


def test_zombie_producer_is_fenced_by_its_successor(kafka: str, topic: Topic) -> None:
    name = topic()
    zombie = transactional(kafka, name)
    zombie.begin_transaction()
    zombie.produce(name, b"zombie")
    zombie.flush()
    restart_required_for = transactional(kafka, name)

    with pytest.raises(KafkaException) as caught:
        zombie.commit_transaction()

    assert caught.value.args[0].fatal()
    assert caught.value.args[0].code() in {KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
    restart_required_for.begin_transaction()
    restart_required_for.produce(name, b"successor")
    restart_required_for.commit_transaction()
    wait_until_settled(kafka, name)
    assert visible(kafka, name) == [b"successor"]


def test_killed_broker_keeps_its_records(distribution: KafkaDistribution, tmp_path: Path) -> None:
    with KafkaServer(distribution, tmp_path) as server:
        create_topic(AdminClient({"bootstrap.servers": server.bootstrap_servers, "log_level": 0}), "kept")
        producer = transactional(server.bootstrap_servers, "before")
        producer.begin_transaction()
        producer.produce("kept", b"kept")
        producer.commit_transaction()
        wait_until_settled(server.bootstrap_servers, "kept")

        server.kill()
        server.start()

        assert visible(server.bootstrap_servers, "kept") == [b"kept"]


def test_broker_exits_with_its_killed_parent(distribution: KafkaDistribution, tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "makiserve.testing.broker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        host, port = owner.stdout.readline().split(":")
        address = host, int(port)
        assert is_open(address)
        owner.kill()
    deadline = time.monotonic() + 10
    while is_open(address):
        assert time.monotonic() < deadline, "the broker lives on"
        time.sleep(0.05)


def is_open(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=5):
            return True
    except OSError:
        return False
