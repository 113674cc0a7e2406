"""The input consumer on a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from makiserve.errors import ConfigurationError, RetryCall
from makiserve.kafka import Connection, InputConsumer, OffsetsClient, TransactionalProducer
from makiserve.kafka.message import Message
from makiserve.settings import BrokerSettings
from makiserve.testing.broker import wait_until_settled

Topic = Callable[..., str]
Open = Callable[..., "Member"]

SOON = timedelta(milliseconds=100)
TIMEOUT = timedelta(seconds=20)


class Member(InputConsumer):
    """A consumer that begins at `start`; it notes what happens."""

    def __init__(self, connection: Connection, topic: str, start: int) -> None:
        super().__init__(connection, topic)
        self.events: list[tuple[str, list[int]]] = []
        self.start = start
        self.lookup = OffsetsClient(connection, topic)
        self.subscribe(
            self.came,
            lambda numbers: self.events.append(("revoked", sorted(numbers))),
            lambda numbers: self.events.append(("lost", sorted(numbers))),
        )

    def came(self, numbers: list[int]) -> dict[int, int]:
        self.events.append(("assigned", sorted(numbers)))
        return dict.fromkeys(numbers, self.start)

    def read(self, count: int) -> list[tuple[int | None, bytes | None]]:
        """Exactly this many records, and then silence."""
        records: list[Message] = []
        deadline = time.monotonic() + TIMEOUT.total_seconds()
        while len(records) < count:
            assert time.monotonic() < deadline, f"{len(records)} of {count} records"
            records += self.receive(1000, SOON)
        assert self.receive(1000, SOON) == []
        return [(record.partition(), record.value()) for record in records]

    def wait_for(self, partitions: set[int]) -> None:
        deadline = time.monotonic() + TIMEOUT.total_seconds()
        while self.assigned != partitions:
            assert time.monotonic() < deadline, f"{set(self.assigned)} instead of {partitions}"
            self.receive(1000, SOON)


@pytest.fixture
def open_member(kafka: str) -> Iterator[Open]:
    """`open_member(topic, start=0)`: they share a group, and all are closed after the test."""
    members: list[Member] = []

    def open_one(topic: str, start: int = 0) -> Member:
        settings = BrokerSettings(kafka, f"group-of-{topic}", options={"heartbeat.interval.ms": "200"})
        members.append(Member(Connection(settings), topic, start))
        return members[-1]

    yield open_one
    for member in members:
        member.close()
        member.lookup.close()


def write(kafka: str, topic: str, *values: bytes, partition: int = 0) -> None:
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value, partition=partition)
    producer.flush()


def forget(admin: AdminClient, topic: str, before: int) -> None:
    """Delete the records of partition 0 before an offset, as retention does."""
    (deleted,) = admin.delete_records([TopicPartition(topic, 0, before)]).values()
    deleted.result()


def test_partition_starts_at_the_given_offset(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic()
    write(kafka, name, b"0", b"1", b"2", b"3")
    assert open_member(name, start=2).read(2) == [(0, b"2"), (0, b"3")]


def test_start_and_move_skip_no_record(kafka: str, topic: Topic, open_member: Open) -> None:
    name, values = topic(8), [str(number).encode() for number in range(2000)]
    for number in range(8):
        write(kafka, name, *values, partition=number)
    member = open_member(name, start=10)
    before = member.read(8 * 1990)
    for number in range(8):
        member.seek(number, 1000)
    again = member.read(8 * 1000)
    for number in range(8):
        assert [value for partition, value in before if partition == number] == values[10:]
        assert [value for partition, value in again if partition == number] == values[1000:]


def test_move_fetches_without_a_pause(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic()
    write(kafka, name, b"0", b"1")
    member = open_member(name)
    member.read(2)
    began = time.monotonic()
    for _ in range(5):
        member.seek(0, 1)
        assert member.read(1) == [(0, b"1")]  # with the 100 ms of silence that `read` ends with
    assert time.monotonic() - began < 3.5  # librdkafka's own pause and resume take a second each time


def test_rewind_returns_the_same_records_in_order(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic()
    values = [str(number).encode() for number in range(3000)]
    write(kafka, name, *values)
    member = open_member(name)
    while not member.receive(100, SOON):
        pass
    member.seek(0, 10)
    assert member.read(2990) == [(0, value) for value in values[10:]]


def test_offset_removed_by_retention_is_an_error(
    kafka: str, topic: Topic, admin: AdminClient, open_member: Open
) -> None:
    name = topic()
    write(kafka, name, b"0", b"1", b"2")
    forget(admin, name, before=2)
    member = open_member(name, start=1)
    assert member.lookup.watermarks(0, TIMEOUT) == (2, 3)
    with pytest.raises(ConfigurationError, match="retention has removed"):
        member.read(1)


def test_members_share_partitions_and_the_last_gets_all(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic(2)
    first = open_member(name)
    first.wait_for({0, 1})
    second = open_member(name)
    deadline = time.monotonic() + TIMEOUT.total_seconds()
    while not (len(first.assigned) == len(second.assigned) == 1):
        assert time.monotonic() < deadline
        first.receive(10, SOON)
        second.receive(10, SOON)
    assert first.assigned | second.assigned == {0, 1}
    assert first.events == [("assigned", [0, 1]), ("revoked", sorted(second.assigned))]
    assert second.events == [("assigned", sorted(second.assigned))]

    first.close()
    second.wait_for({0, 1})


def test_end_offset_excludes_uncommitted_records(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic()
    member = open_member(name)
    producer = TransactionalProducer(Connection(BrokerSettings(kafka, name)))
    producer.init(TIMEOUT)
    producer.produce(name, 0, None, b"open", None, 0)
    producer.flush(TIMEOUT)
    assert member.lookup.watermarks(0, TIMEOUT) == (0, 0)
    producer.commit()
    wait_until_settled(kafka, name)
    assert member.lookup.watermarks(0, TIMEOUT) == (0, 2)  # the record, and the marker of the commit


def test_end_offset_is_known_from_fetched_records(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic()
    write(kafka, name, b"0", b"1")
    member = open_member(name)
    assert (member.end_offset(0), member.end_offset(5)) == (
        None,
        None,
    )  # nothing is fetched yet; there is no such partition
    member.read(2)
    assert member.end_offset(0) == 2
    write(kafka, name, b"2")
    member.read(1)
    assert member.end_offset(0) == 3


def test_leaving_member_gets_no_late_assignment(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic()
    for _ in range(5):
        member = open_member(name)
        member.receive(1, timedelta(milliseconds=5))
        member.close()
        assert member.events in ([], [("assigned", [0])])


def test_open_transaction_of_the_previous_owner_is_awaited(kafka: str, topic: Topic, open_member: Open) -> None:
    name = topic()
    owner = open_member(name)
    owner.wait_for({0})
    producer = TransactionalProducer(Connection(BrokerSettings(kafka, name)))
    producer.init(TIMEOUT)
    producer.send_offsets(name, {0: (5, "")}, owner.group_metadata(), TIMEOUT)
    restart_required_for = open_member(name)
    with pytest.raises(RetryCall):
        restart_required_for.lookup.committed(0, timedelta(seconds=1))
    producer.commit()
    assert restart_required_for.lookup.committed(0, TIMEOUT).offset == 5
