"""The first offset of a partition, from a librdkafka whose answers are scripted."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from makiserve.errors import ConfigurationError, RetryCall
from makiserve.kafka import Committed, Connection, OffsetsClient
from makiserve.kafka import offsets_client as module
from makiserve.settings import BrokerSettings

NOW = timedelta(0)


class Librdkafka:
    def __init__(self, settings: dict[str, object]) -> None:
        self.stored = TopicPartition("house", 0, 7, metadata="text")
        self.fails: KafkaError | None = None

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [self.stored]

    def get_watermark_offsets(self, place: TopicPartition, timeout: float, *, cached: bool) -> tuple[int, int]:
        if self.fails:
            raise KafkaException(self.fails)
        return 3, 8

    def offsets_for_times(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        (place,) = places
        return [TopicPartition(place.topic, place.partition, 5 if place.offset < 1000 else -1)]


@pytest.fixture
def lookup(monkeypatch: pytest.MonkeyPatch) -> OffsetsClient:
    monkeypatch.setattr(module, "Consumer", Librdkafka)
    return OffsetsClient(Connection(BrokerSettings("broker:9092", "group")), "house")


def librdkafka(lookup: OffsetsClient) -> Librdkafka:
    fake = lookup._consumer
    assert isinstance(fake, Librdkafka)
    return fake


def test_a_group_that_never_committed_has_no_offset(lookup: OffsetsClient) -> None:
    assert lookup.committed(0, NOW) == Committed(7, "text")
    librdkafka(lookup).stored = TopicPartition("house", 0)
    assert lookup.committed(0, NOW) == Committed(None, "")


def test_client_that_lost_its_brokers_is_asked_again(lookup: OffsetsClient) -> None:
    assert lookup.watermarks(0, NOW) == (3, 8)
    librdkafka(lookup).fails = KafkaError(KafkaError._UNKNOWN_PARTITION)
    with pytest.raises(RetryCall, match=r"the offsets of house\[0\]"):
        lookup.watermarks(0, NOW)
    librdkafka(lookup).fails = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(ConfigurationError):
        lookup.watermarks(0, NOW)


def test_a_time_after_the_last_record_is_the_end(lookup: OffsetsClient) -> None:
    assert lookup.offset_since(0, 999, NOW) == 5
    assert lookup.offset_since(0, 1000, NOW) == 8


# A connection broke while the end of the state topic was asked for: the answer was -1001, and the state "deleted".


def test_the_end_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lookup = OffsetsClient(Connection(BrokerSettings("127.0.0.1:1", "group")), "in")
    unknown = SimpleNamespace(result=lambda: SimpleNamespace(offset=-1001))
    admin = SimpleNamespace(list_offsets=lambda *given, **named: {TopicPartition("state", 0): unknown})
    monkeypatch.setattr(lookup, "_admin", admin)
    with pytest.raises(RetryCall):
        list(lookup.contents("state", 0, timedelta(seconds=1), bool))
    lookup.close()
