"""The producer on a librdkafka that fails on demand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from makiserve.errors import AbortTransaction, ConfigurationError, Fenced, MessageRefused, RetryCall
from makiserve.kafka import producer as module
from makiserve.kafka.connection import Connection
from makiserve.kafka.producer import TransactionalProducer
from makiserve.settings import BrokerSettings

NOW = timedelta(0)


class Librdkafka:
    """Notes its calls. `full` polls make room in its queue; `refuses` and `fails` are what the next calls raise."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.report: Callable[[KafkaError | None, Message], None] = settings["on_delivery"]
        self.calls: list[str] = []
        self.full = 0
        self.under_way = 0
        self.refuses: int | None = None
        self.fails: KafkaError | None = None

    def produce(self, topic: str, value: bytes, key: bytes, partition: int, **rest: object) -> None:
        if self.full:
            raise BufferError
        if self.refuses:
            raise KafkaException(KafkaError(self.refuses))
        self.calls.append(f"produce {topic}[{partition}]")

    def poll(self, timeout: float) -> int:
        self.full = max(0, self.full - 1)
        self.calls.append("poll")
        return 0

    def flush(self, timeout: float) -> int:
        return self.under_way

    def begin_transaction(self) -> None:
        self._transactional("begin")

    def commit_transaction(self, timeout: float) -> None:
        self._transactional("commit")

    def abort_transaction(self, timeout: float) -> None:
        self._transactional("abort")

    def _transactional(self, call: str) -> None:
        if self.fails:
            raise KafkaException(self.fails)
        self.calls.append(call)


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> TransactionalProducer:
    monkeypatch.setattr(module, "Producer", Librdkafka)
    return TransactionalProducer(Connection(BrokerSettings("broker:9092", "group")))


@pytest.fixture
def kafka(producer: TransactionalProducer) -> Librdkafka:
    fake = producer._producer
    assert isinstance(fake, Librdkafka)
    return fake


def produce(producer: TransactionalProducer) -> None:
    producer.produce("out", 2, None, b"value", None, 0)


def fail_delivery(kafka: Librdkafka, code: int) -> None:
    kafka.report(KafkaError(code), Message(topic="out", partition=2))


def test_a_transaction_begins_with_its_first_record(producer: TransactionalProducer, kafka: Librdkafka) -> None:
    assert not producer.is_open
    produce(producer)
    produce(producer)
    producer.commit()
    produce(producer)
    assert kafka.calls == ["begin", "produce out[2]", "produce out[2]", "commit", "begin", "produce out[2]"]


def test_a_full_queue_is_waited_for(producer: TransactionalProducer, kafka: Librdkafka) -> None:
    kafka.full = 2
    produce(producer)
    assert kafka.calls == ["begin", "poll", "poll", "produce out[2]"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (KafkaError._MSG_TIMED_OUT, AbortTransaction),
        (KafkaError.NOT_ENOUGH_REPLICAS, AbortTransaction),
        (KafkaError.INVALID_PRODUCER_EPOCH, Fenced),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, ConfigurationError),
        (KafkaError.MSG_SIZE_TOO_LARGE, MessageRefused),
        (KafkaError.INVALID_TIMESTAMP, MessageRefused),
        (KafkaError.INVALID_RECORD, MessageRefused),
    ],
)
def test_a_record_that_was_not_delivered_fails_the_next_poll_and_the_flush(
    producer: TransactionalProducer, kafka: Librdkafka, code: int, expected: type[Exception]
) -> None:
    produce(producer)
    fail_delivery(kafka, code)
    with pytest.raises(expected, match=r"Delivering to out\[2\]"):
        producer.poll()
    with pytest.raises(expected):
        producer.flush(NOW)


def test_a_record_that_was_not_delivered_ends_the_wait_for_room(
    producer: TransactionalProducer, kafka: Librdkafka
) -> None:
    produce(producer)
    kafka.full = 1_000_000
    fail_delivery(kafka, KafkaError._MSG_TIMED_OUT)
    with pytest.raises(AbortTransaction):
        produce(producer)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (KafkaError._TIMED_OUT, AbortTransaction),  # to try again would lose the rest of the batch
        (KafkaError._STATE, AbortTransaction),
        (KafkaError._FATAL, Fenced),
        (KafkaError.MSG_SIZE_TOO_LARGE, MessageRefused),
    ],
)
def test_refused_record_ends_its_transaction_without_a_retry(
    producer: TransactionalProducer, kafka: Librdkafka, code: int, expected: type[Exception]
) -> None:
    kafka.refuses = code
    with pytest.raises(expected, match=r"Producing to out\[2\]"):
        produce(producer)


def test_after_an_abort_all_is_forgotten(producer: TransactionalProducer, kafka: Librdkafka) -> None:
    produce(producer)
    fail_delivery(kafka, KafkaError._MSG_TIMED_OUT)
    producer.abort()
    fail_delivery(kafka, KafkaError._PURGE_QUEUE)
    fail_delivery(kafka, KafkaError._PURGE_INFLIGHT)
    producer.poll()
    assert not producer.is_open


def test_an_abort_without_a_transaction_is_nothing(producer: TransactionalProducer, kafka: Librdkafka) -> None:
    producer.abort()
    assert kafka.calls == []


def test_a_commit_that_is_not_finished_leaves_the_transaction_open(
    producer: TransactionalProducer, kafka: Librdkafka
) -> None:
    produce(producer)
    kafka.fails = KafkaError(KafkaError._TIMED_OUT, retriable=True)
    with pytest.raises(RetryCall):
        producer.commit(NOW)
    assert producer.is_open
    kafka.fails = None
    producer.commit(NOW)
    assert not producer.is_open


def test_records_still_under_way_are_not_flushed(producer: TransactionalProducer, kafka: Librdkafka) -> None:
    kafka.under_way = 3
    with pytest.raises(RetryCall, match="3 records"):
        producer.flush(NOW)
