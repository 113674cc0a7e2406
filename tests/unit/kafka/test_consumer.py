"""The consumer on a librdkafka that is a list of messages: what becomes of records when something else happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

import pytest
from confluent_kafka import OFFSET_END, KafkaError, Message, TopicPartition

from makiserve.errors import AbortTransaction, ConfigurationError
from makiserve.kafka import consumer as module
from makiserve.kafka.connection import Connection
from makiserve.kafka.consumer import Committed, InputConsumer
from makiserve.settings import BrokerSettings

NOW = timedelta(0)
Event = Message | Callable[[], None]


class Librdkafka:
    """Gives what `arrived` holds: messages, and rebalances that happen when their turn comes."""

    def __init__(self, settings: dict[str, object]) -> None:
        self.arrived: list[Event] = []
        self.calls: list[tuple[str, object]] = []
        self.stored = TopicPartition("house", 0, 7, metadata="text")

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
        self.calls.append(("assign", [(each.partition, each.offset) for each in partitions]))

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        self.calls.append(("unassign", [each.partition for each in partitions]))

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.calls.append(("pause", [each.partition for each in partitions]))

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [self.stored]

    def close(self) -> None:
        self._take(1)


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


def places(messages: list[Message]) -> list[tuple[int | None, int | None]]:
    return [(each.partition(), each.offset()) for each in messages]


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


def test_a_partition_whose_start_is_not_found_is_taken_silent(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(refuse, refuse, refuse)
    kafka.arrived = [kafka.rebalance("on_assign", 2)]
    with pytest.raises(AbortTransaction):
        consumer.receive(1, NOW)
    assert kafka.calls == [("assign", [(2, OFFSET_END)]), ("pause", [2])]
    assert consumer.assigned == {0, 1}


def test_nobody_is_told_of_a_rebalance_that_brings_or_takes_nothing(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(refuse, refuse, refuse)
    kafka.arrived = [kafka.rebalance("on_assign"), kafka.rebalance("on_revoke"), kafka.rebalance("on_lost")]
    assert consumer.receive(1, NOW) == []


def test_a_partition_is_moved_by_being_assigned_anew(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.move(1, 40)
    assert kafka.calls == [("unassign", [1]), ("assign", [(1, 40)])]


def test_records_taken_before_a_callback_moves_their_partition_are_dropped_and_none_after_it(
    consumer: InputConsumer, kafka: Librdkafka
) -> None:
    consumer.subscribe(starts, lambda numbers: consumer.move(0, 2), ignore)
    kafka.arrived = [message(0, 5), message(0, 6), kafka.rebalance("on_revoke", 1), message(0, 2)]
    assert consumer.receive(9, NOW) == []
    assert kafka.calls == [("unassign", [1]), ("unassign", [0]), ("assign", [(0, 2)])]


def test_a_partition_that_goes_and_comes_back_at_once_starts_anew(consumer: InputConsumer, kafka: Librdkafka) -> None:
    kafka.arrived = [message(1, 55), kafka.rebalance("on_lost", 1), kafka.rebalance("on_assign", 1), message(1, 10)]
    assert consumer.receive(9, NOW) == []
    assert kafka.calls[-2:] == [("unassign", [1]), ("assign", [(1, 10)])]


def test_a_partition_that_is_taken_away_is_not_moved_any_more(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(starts, lambda numbers: consumer.move(1, 2), ignore)
    kafka.arrived = [kafka.rebalance("on_revoke", 1)]
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


def test_a_partition_that_comes_back_is_read_again(consumer: InputConsumer, kafka: Librdkafka) -> None:
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
    consumer.move(0, 2)
    assert places(consumer.receive(9, NOW)) == [(1, 8)]


def test_an_error_among_the_records_is_raised_and_loses_none_of_them(
    consumer: InputConsumer, kafka: Librdkafka
) -> None:
    denied = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    kafka.arrived = [message(0, 5), message(1, -1, denied), message(0, 6)]
    with pytest.raises(ConfigurationError, match=r"Reading house\[1\]"):
        consumer.receive(9, NOW)
    assert places(consumer.receive(9, NOW)) == [(0, 5), (0, 6)]


def test_the_end_of_a_partition_is_no_error(consumer: InputConsumer, kafka: Librdkafka) -> None:
    kafka.arrived = [message(0, 5), message(0, 6, KafkaError(KafkaError._PARTITION_EOF))]
    assert places(consumer.receive(9, NOW)) == [(0, 5)]


def test_what_the_last_callback_raises_is_raised_by_close(consumer: InputConsumer, kafka: Librdkafka) -> None:
    consumer.subscribe(refuse, refuse, refuse)
    kafka.arrived = [kafka.rebalance("on_revoke", 0, 1)]
    with pytest.raises(AbortTransaction):
        consumer.close()
    assert consumer.assigned == frozenset()


def test_a_group_that_never_committed_has_no_offset(consumer: InputConsumer, kafka: Librdkafka) -> None:
    assert consumer.committed(0, NOW) == Committed(7, "text")
    kafka.stored = TopicPartition("house", 0)
    assert consumer.committed(0, NOW) == Committed(None, "")
