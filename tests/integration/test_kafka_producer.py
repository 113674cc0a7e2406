"""The transactional producer on a real broker, alone and with the consumer: the calls of a commit."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from makiserve.errors import AbortTransaction, BrokerUnavailable, Fenced, RetryCall
from makiserve.kafka import Committed, Connection, InputConsumer, OffsetsClient, TransactionalProducer
from makiserve.kafka import connection as module
from makiserve.settings import BrokerSettings
from makiserve.testing.broker import wait_until_settled

Topic = Callable[..., str]

SOON = timedelta(milliseconds=100)
TIMEOUT = timedelta(seconds=20)


def connection(kafka: str, group: str, **options: str) -> Connection:
    named = {name.replace("_", "."): value for name, value in options.items()}
    return Connection(BrokerSettings(kafka, group, instance="one", options=named))


def opened(kafka: str, group: str, **options: str) -> TransactionalProducer:
    producer = TransactionalProducer(connection(kafka, group, **options))
    producer.init(TIMEOUT)
    return producer


def put(producer: TransactionalProducer, topic: str, value: bytes) -> None:
    producer.produce(topic, 0, None, value, None, 0)


def committed_records(kafka: str, topic: str) -> list[Message]:
    """Return what is committed in partition 0, read by a consumer that shares nothing with ours."""
    wait_until_settled(kafka, topic)
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": uuid.uuid4().hex,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    records: list[Message] = []
    while True:
        message = consumer.poll(TIMEOUT.total_seconds())
        assert message is not None
        if message.error() is not None:
            assert message.error().code() == KafkaError._PARTITION_EOF
            consumer.close()
            return records
        records.append(message)


def values(kafka: str, topic: str) -> list[bytes | None]:
    return [record.value() for record in committed_records(kafka, topic)]


def committed(kafka: str, source: str) -> Committed:
    lookup = OffsetsClient(connection(kafka, source), source)
    answer = lookup.committed(0, TIMEOUT)
    lookup.close()
    return answer


def assigned(consumer: InputConsumer) -> None:
    consumer.subscribe(lambda numbers: dict.fromkeys(numbers, 0), lambda _: None, lambda _: None)
    while not consumer.assigned:
        consumer.receive(1, SOON)


def test_commit_publishes_records_offsets_and_metadata(kafka: str, topic: Topic) -> None:
    source, output = topic(), topic()
    consumer = InputConsumer(connection(kafka, source), source)
    assigned(consumer)
    assert committed(kafka, source) == (None, "")
    producer = opened(kafka, source)

    producer.produce(output, 0, b"key", b"value", [("model", b"house"), ("traceparent", b"00-1")], 1_600_000_000_000)
    producer.flush(TIMEOUT)
    producer.send_offsets(source, {0: (42, '{"origin": 7}')}, consumer.group_metadata(), TIMEOUT)
    producer.commit()

    (record,) = committed_records(kafka, output)
    assert (record.key(), record.value(), record.timestamp()[1]) == (b"key", b"value", 1_600_000_000_000)
    assert record.headers() == [("model", b"house"), ("traceparent", b"00-1")]
    assert committed(kafka, source) == (42, '{"origin": 7}')
    consumer.close()


def test_transaction_with_offsets_only_is_committed(kafka: str, topic: Topic) -> None:
    source = topic()
    consumer = InputConsumer(connection(kafka, source), source)
    assigned(consumer)
    producer = opened(kafka, source)
    producer.send_offsets(source, {0: (3, "")}, consumer.group_metadata(), TIMEOUT)
    producer.commit()
    assert committed(kafka, source) == (3, "")
    consumer.close()


def test_transaction_after_an_abort_is_committed(kafka: str, topic: Topic) -> None:
    source, output = topic(), topic()
    consumer = InputConsumer(connection(kafka, source), source)
    assigned(consumer)
    producer = opened(kafka, source)
    put(producer, output, b"aborted")
    producer.send_offsets(source, {0: (9, "aborted")}, consumer.group_metadata(), TIMEOUT)
    producer.abort()
    put(producer, output, b"in the queue when aborted")
    producer.abort()
    put(producer, output, b"committed")
    producer.commit()
    assert values(kafka, output) == [b"committed"]
    assert committed(kafka, source) == (None, "")
    consumer.close()


def test_successor_fences_its_predecessor_at_each_step(kafka: str, topic: Topic) -> None:
    output = topic()
    flushing, sending, committing = (opened(kafka, f"{output}-{number}") for number in range(3))
    consumer = InputConsumer(connection(kafka, output), output)
    for zombie in (flushing, sending, committing):
        put(zombie, output, b"zombie")
        zombie.flush(TIMEOUT)
    for number in range(3):
        opened(kafka, f"{output}-{number}")

    put(flushing, output, b"zombie")
    with pytest.raises(Fenced):
        flushing.flush(TIMEOUT)
    with pytest.raises(Fenced):
        sending.send_offsets(output, {0: (1, "")}, consumer.group_metadata(), TIMEOUT)
    with pytest.raises(Fenced):
        committing.commit()
    for zombie in (flushing, sending, committing):
        with pytest.raises(Fenced):
            zombie.abort()
    assert values(kafka, output) == []
    consumer.close()


def test_transaction_beyond_its_timeout_is_fenced(kafka: str, topic: Topic) -> None:
    output = topic()
    producer = opened(kafka, output, transaction_timeout_ms="1000")
    put(producer, output, b"late")
    producer.flush(TIMEOUT)
    wait_until_settled(kafka, output)  # the broker aborts it
    with pytest.raises(Fenced):
        producer.commit()
    producer = opened(kafka, output)
    put(producer, output, b"in time")
    producer.commit()
    assert values(kafka, output) == [b"in time"]


def test_offsets_of_a_departed_member_abort_the_transaction(kafka: str, topic: Topic) -> None:
    source, output = topic(), topic()
    settings = Connection(BrokerSettings(kafka, source))  # no instance: leaving takes effect at once
    consumer = InputConsumer(settings, source)
    assigned(consumer)
    stale = consumer.group_metadata()
    consumer.close()
    producer = opened(kafka, source)
    put(producer, output, b"of a member that left")
    with pytest.raises(AbortTransaction):
        producer.send_offsets(source, {0: (9, "")}, stale, TIMEOUT)
    producer.abort()
    put(producer, output, b"after")
    producer.commit()
    assert values(kafka, output) == [b"after"]


def test_undeliverable_record_aborts_the_transaction(kafka: str, topic: Topic) -> None:
    output = topic()
    producer = opened(kafka, output, transaction_timeout_ms="2000", message_timeout_ms="1000")
    put(producer, "no-such-topic", b"lost")
    with pytest.raises(AbortTransaction, match=r"no-such-topic\[0\]"):
        producer.flush(TIMEOUT)
    producer.abort()
    put(producer, output, b"after")
    producer.commit()
    assert values(kafka, output) == [b"after"]


def test_producer_without_a_broker_fails_with_empty_stderr(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_reported_s", {})  # other tests of this process report it, too
    caplog.set_level(logging.DEBUG, "makiserve.kafka")
    producer = TransactionalProducer(connection("127.0.0.1:9", "unreachable"))
    with pytest.raises(BrokerUnavailable, match="Initializing transactions"):
        producer.init(timedelta(seconds=0.5))
    producer.poll()
    assert capfd.readouterr().err == ""
    assert {record.levelname for record in caplog.records} == {"DEBUG", "WARNING"}
    assert "No broker answers" in caplog.text


def test_flush_after_a_timeout_can_be_repeated(kafka: str, topic: Topic) -> None:
    output = topic()
    producer = opened(kafka, output, linger_ms="10000")
    put(producer, output, b"slow")
    with pytest.raises(RetryCall, match="not acknowledged"):
        producer.flush(timedelta(0))
    producer.flush(TIMEOUT)
    producer.commit()
    assert values(kafka, output) == [b"slow"]
