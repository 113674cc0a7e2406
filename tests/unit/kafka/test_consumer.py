"""The consumer on a librdkafka that is a list of messages: what becomes of records when something else happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from makiserve.errors import AbortTransaction, ConfigurationError, InternalError
from makiserve.kafka import consumer as module
from makiserve.kafka.connection import Connection
from makiserve.kafka.consumer import InputConsumer
from makiserve.kafka.message import Message as Received
from makiserve.kafka.message import Unreadable
from makiserve.settings import BrokerSettings

NOW = timedelta(0)
Event = Message | Callable[[], None]


class Librdkafka:
    """Gives what `arrived` holds: messages, and rebalances that happen when their turn comes."""

    def __init__(self, settings: dict[str, object]) -> None:
        self.arrived: list[Event] = []
        self.calls: list[tuple[str, object]] = []
        self.fails: KafkaError | None = None

    def subscribe(self, topics: list[str], **callbacks: Callable[[object, list[TopicPartition]], None]) -> None:
        self.callbacks = callbacks

    def rebalance(self, name: str, *numbers: int) -> Callable[[], None]:
        return lambda: self.callbacks[name](self, [TopicPartition("house", number) for number in numbers])

    def poll(self, timeout: float) -> Message | None:
        return next(iter(self._take(1)), None)

    def consume(self, count: int, timeout: float) -> list[Message]:
        assert timeout == 0
        return self._take(count)

    def _take(self, count: int) -> list[Message]:
        taken: list[Message] = []
        while self.arrived and len(taken) < count:
            event = self.arrived.pop(0)
            if isinstance(event, Message):
                taken.append(event)
            else:
                event()
        return taken

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.calls.append(("assign", [(partition.partition, partition.offset) for partition in partitions]))

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        self.calls.append(("unassign", [partition.partition for partition in partitions]))

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.calls.append(("pause", sorted(partition.partition for partition in partitions)))

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.calls.append(("resume", sorted(partition.partition for partition in partitions)))

    def get_watermark_offsets(
        self, place: TopicPartition, timeout: float = 0.0, *, cached: bool = False
    ) -> tuple[int, int]:
        return 3, 8

    def seek(self, place: TopicPartition) -> None:
        if self.fails:
            raise KafkaException(self.fails)
        self.calls.append(("seek", (place.partition, place.offset)))

    def close(self) -> None:
        self._take(2)


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> InputConsumer:
    monkeypatch.setattr(module, "Consumer", Librdkafka)
    return InputConsumer(Connection(BrokerSettings("broker:9092", "group")), "house")


@pytest.fixture
def kafka(consumer: InputConsumer) -> Librdkafka:
    """librdkafka, with partitions 0 and 1 assigned."""
    fake = consumer._consumer
    assert isinstance(fake, Librdkafka)
    consumer.subscribe(starts, ignore, ignore)
    fake.arrived = [fake.rebalance("on_assign", 0, 1)]
    consumer.receive(1, NOW)
    fake.calls.clear()
    return fake


def message(partition: int, offset: int, error: KafkaError | None = None) -> Message:
    return Message(topic="house", partition=partition, offset=offset, value=b"", error=error)


def places(messages: list[Received]) -> list[tuple[int | None, int | None]]:
    return [(message.partition(), message.offset()) for message in messages]


def starts(numbers: list[int]) -> dict[int, int]:
    return {number: 10 * number for number in numbers}


def ignore(numbers: list[int]) -> None:
    pass


def refuse(numbers: list[int]) -> NoReturn:
    raise AbortTransaction("the commit failed")


def test_all_that_has_arrived_is_given_at_once_up_to_the_bound(consumer: InputConsumer, kafka: Librdkafka) -> None:
    kafka.arrived = [message(0, offset) for offset in range(5)]
    assert places(consumer.receive(3, NOW)) == [(0, 0), (0, 1), (0, 2)]
    assert places(consumer.receive(3, NOW)) == [(0, 3), (0, 4)]
    assert consumer.receive(3, NOW) == []


def test_a_partition_is_assigned_at_its_start(consumer: InputConsumer, kafka: Librdkafka) -> None:
    kafka.arrived = [kafka.rebalance("on_assign", 2, 3)]
    consumer.receive(1, NOW)
    assert kafka.calls == [("assign", [(2, 20), (3, 30)])]
    assert consumer.assigned == {0, 1, 2, 3}


def test_partition_with_an_unknown_start_gets_no_output(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(refuse, refuse, refuse)
    kafka.arrived = [kafka.rebalance("on_assign", 2)]
    with pytest.raises(AbortTransaction):
        consumer.receive(1, NOW)
    assert kafka.calls == [("assign", [(2, 3)]), ("pause", [2])]
    assert consumer.assigned == {0, 1}


def test_rebalance_without_changes_calls_nothing(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(refuse, refuse, refuse)
    kafka.arrived = [kafka.rebalance("on_assign"), kafka.rebalance("on_revoke"), kafka.rebalance("on_lost")]
    assert consumer.receive(1, NOW) == []


def test_a_partition_is_moved_by_a_seek_before_the_next_record_is_asked_for(
    consumer: InputConsumer, kafka: Librdkafka
) -> None:
    consumer.seek(1, 40)
    consumer.seek(1, 30)
    assert kafka.calls == []
    kafka.arrived = [message(1, 30)]
    assert places(consumer.receive(1, NOW)) == [(1, 30)]
    assert kafka.calls == [("seek", (1, 30))]


def test_seek_before_the_assignment_takes_effect_is_made_later(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.seek(1, 40)
    kafka.fails = KafkaError(KafkaError._STATE)
    kafka.arrived = [message(1, 10), message(0, 5)]
    assert places(consumer.receive(9, NOW)) == [(0, 5)]
    kafka.fails = None
    kafka.arrived = [message(1, 40)]
    assert places(consumer.receive(9, NOW)) == [(1, 40)]
    assert kafka.calls == [("seek", (1, 40))]


def test_a_move_that_fails_otherwise_is_an_error(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.seek(1, 40)
    kafka.fails = KafkaError(KafkaError._INVALID_TYPE)
    with pytest.raises(InternalError, match=r"Seeking to house\[1\]@40"):
        consumer.receive(9, NOW)


def test_records_read_before_a_seek_are_dropped_and_none_after_it(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(starts, lambda numbers: consumer.seek(0, 2), ignore)
    kafka.arrived = [message(0, 5), message(0, 6), kafka.rebalance("on_revoke", 1), message(0, 2)]
    assert consumer.receive(9, NOW) == []
    assert kafka.calls == [("unassign", [1])]
    kafka.arrived = [message(0, 2)]
    assert places(consumer.receive(9, NOW)) == [(0, 2)]
    assert kafka.calls == [("unassign", [1]), ("seek", (0, 2))]


def test_partition_that_is_revoked_and_reassigned_starts_again(consumer: InputConsumer, kafka: Librdkafka) -> None:
    kafka.arrived = [message(1, 55), kafka.rebalance("on_lost", 1), kafka.rebalance("on_assign", 1), message(1, 10)]
    assert consumer.receive(9, NOW) == []
    consumer.receive(9, NOW)
    assert kafka.calls == [("unassign", [1]), ("assign", [(1, 10)]), ("seek", (1, 10))]


def test_a_partition_that_is_taken_away_is_not_moved_any_more(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(starts, lambda numbers: consumer.seek(1, 2), ignore)
    kafka.arrived = [kafka.rebalance("on_revoke", 1)]
    for _ in range(2):
        consumer.receive(9, NOW)
    assert kafka.calls == [("unassign", [1])]


def test_a_partition_is_given_back_after_its_callback(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(starts, lambda numbers: kafka.calls.append(("revoked", numbers)), ignore)
    kafka.arrived = [kafka.rebalance("on_revoke", 1)]
    consumer.receive(1, NOW)
    assert kafka.calls == [("revoked", [1]), ("unassign", [1])]
    assert consumer.assigned == {0}


def test_records_of_a_partition_that_was_taken_away_are_dropped(consumer: InputConsumer, kafka: Librdkafka) -> None:
    kafka.arrived = [message(0, 5), message(1, 6), kafka.rebalance("on_lost", 1), message(0, 6)]
    assert places(consumer.receive(9, NOW)) == [(0, 5), (0, 6)]


def test_partition_that_is_reassigned_is_read_again(consumer: InputConsumer, kafka: Librdkafka) -> None:
    for rebalance in ("on_lost", "on_assign"):
        kafka.arrived = [kafka.rebalance(rebalance, 1)]
        consumer.receive(1, NOW)
    kafka.arrived = [message(1, 10)]
    assert places(consumer.receive(1, NOW)) == [(1, 10)]


def test_records_that_came_with_a_failed_callback_are_given_by_the_next_call(
    consumer: InputConsumer, kafka: Librdkafka
) -> None:
    consumer.subscribe(refuse, refuse, refuse)
    kafka.arrived = [message(0, 5), message(1, 6), kafka.rebalance("on_revoke", 1), message(0, 6)]
    with pytest.raises(AbortTransaction):
        consumer.receive(9, NOW)
    assert consumer.assigned == {0}
    assert places(consumer.receive(9, NOW)) == [(0, 5), (0, 6)]


def test_a_move_drops_the_records_that_came_with_the_failure(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(refuse, refuse, refuse)
    kafka.arrived = [message(0, 5), message(1, 8), kafka.rebalance("on_assign", 2)]
    with pytest.raises(AbortTransaction):
        consumer.receive(9, NOW)
    consumer.seek(0, 2)
    assert places(consumer.receive(9, NOW)) == [(1, 8)]


def test_an_error_among_the_records_is_raised_and_loses_none_of_them(
    consumer: InputConsumer, kafka: Librdkafka
) -> None:
    denied = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    kafka.arrived = [message(0, 5), message(1, -1, denied), message(0, 6)]
    with pytest.raises(ConfigurationError, match=r"Reading house\[1\]"):
        consumer.receive(9, NOW)
    assert places(consumer.receive(9, NOW)) == [(0, 5), (0, 6)]


def test_end_of_a_partition_is_not_an_error(consumer: InputConsumer, kafka: Librdkafka) -> None:
    kafka.arrived = [message(0, 5), message(0, 6, KafkaError(KafkaError._PARTITION_EOF))]
    assert places(consumer.receive(9, NOW)) == [(0, 5)]


def test_rebalance_while_leaving_calls_nothing(consumer: InputConsumer, kafka: Librdkafka) -> None:
    calls: list[list[int]] = []

    def assigned(numbers: list[int]) -> dict[int, int]:
        calls.append(numbers)
        return {}

    consumer.subscribe(assigned, calls.append, calls.append)
    kafka.arrived = [kafka.rebalance("on_assign", 2), kafka.rebalance("on_revoke", 0, 1, 2)]
    consumer.close()
    assert calls == []
    assert kafka.calls == [("assign", [(2, 3)]), ("pause", [2]), ("unassign", [0, 1, 2])]
    assert consumer.assigned == frozenset()


def test_a_held_partition_gives_nothing_until_it_is_moved(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.pause([1])
    kafka.arrived = [message(1, 10), message(0, 5)]
    assert places(consumer.receive(9, NOW)) == [(0, 5)]
    consumer.seek(1, 40)
    kafka.arrived = [message(1, 40)]
    assert places(consumer.receive(9, NOW)) == [(1, 40)]
    assert kafka.calls == [("pause", [1]), ("seek", (1, 40)), ("resume", [1])]


def test_a_partition_whose_start_is_not_known_yet_is_held(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(dict.fromkeys, ignore, ignore)
    kafka.arrived = [kafka.rebalance("on_assign", 2)]
    consumer.receive(1, NOW)
    assert kafka.calls == [("assign", [(2, 3)]), ("pause", [2])]
    assert consumer.assigned == {0, 1, 2}


def test_a_member_that_is_kept_alive_takes_no_record_and_loses_none(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.pause([1])
    kafka.arrived = [kafka.rebalance("on_assign", 2), message(0, 5)]
    consumer.keep_alive()
    consumer.keep_alive()
    assert places(consumer.receive(9, NOW)) == [(0, 5)]
    assert kafka.calls == [("pause", [1]), ("pause", [0, 1]), ("assign", [(2, 20)]), ("pause", [2]), ("resume", [0, 2])]


def test_callback_error_is_raised_by_the_next_call(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(starts, refuse, refuse)
    kafka.arrived = [kafka.rebalance("on_revoke", 1), message(0, 5)]
    consumer.keep_alive()
    with pytest.raises(AbortTransaction):
        consumer.receive(9, NOW)


def test_a_batch_that_cannot_be_read_becomes_one_record_after_another(
    consumer: InputConsumer, kafka: Librdkafka
) -> None:
    bad = KafkaError(KafkaError._BAD_COMPRESSION, "too large")
    kafka.arrived = [message(0, 6), message(0, 7, bad), message(0, 7, bad), message(1, 15)]
    first = consumer.receive(10, NOW)
    assert [(record.partition(), record.offset()) for record in first] == [(0, 6), (1, 15), (0, 7)]
    kafka.arrived = [message(0, 7, bad)]
    (second,) = consumer.receive(10, NOW)
    assert second.offset() == 8
    assert isinstance(second, Unreadable)
    assert second.trouble == "too large"
    assert kafka.calls[-1] == ("seek", (0, 8))
    kafka.arrived = [message(0, 9)]
    assert [record.offset() for record in consumer.receive(10, NOW)] == [9]
    assert kafka.calls[-1] == ("seek", (0, 9))
    consumer.seek(0, 8)
    kafka.arrived = [message(0, 7, bad)]
    assert [record.offset() for record in consumer.receive(10, NOW)] == [8]
