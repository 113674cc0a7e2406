"""Moves of the input consumer on a real broker under load: no record is lost, duplicated or out of order."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from confluent_kafka import Producer

from makiserve.errors import RetryCall
from makiserve.kafka import Connection, InputConsumer, OffsetsClient
from makiserve.settings import BrokerSettings

Topic = Callable[..., str]
Open = Callable[[str], "Reader"]

NOW, SOON, TIMEOUT = timedelta(0), timedelta(milliseconds=20), timedelta(seconds=30)
QUICK = {"heartbeat.interval.ms": "100", "session.timeout.ms": "6000"}


class Reader(InputConsumer):
    """Every record must be the one that is due in its partition; at every rebalance all partitions go back a little.

    Attributes:
        due: the offset that comes next, by partition.
    """

    def __init__(self, kafka: str, topic: str, rng: random.Random) -> None:
        connection = Connection(BrokerSettings(kafka, f"group-of-{topic}", options=QUICK))
        super().__init__(connection, topic)
        self.lookup = OffsetsClient(connection, topic)
        self.due: dict[int, int] = {}
        self.events: list[tuple[str, float]] = []
        self.rng = rng
        self.records = self.moves = 0
        self.subscribe(self.come, lambda numbers: self.go("revoked", numbers), lambda numbers: self.go("lost", numbers))

    def come(self, numbers: list[int]) -> dict[int, int]:
        self.note("assigned")
        self.rewind()
        starts = {number: self.rng.randrange(100) for number in numbers}
        self.due |= starts
        return starts

    def go(self, how: str, numbers: list[int]) -> None:
        self.note(how)
        for number in numbers:
            del self.due[number]
        self.rewind()

    def note(self, event: str) -> None:
        self.events.append((event, time.monotonic()))

    def rewind(self) -> None:
        for number in self.due:
            self.go_back(number)

    def go_back(self, number: int) -> None:
        self.due[number] = max(0, self.due[number] - self.rng.choice([0, 1, 10, 300, 2000]))
        self.seek(number, self.due[number])
        self.moves += 1

    def take(self, timeout: timedelta = SOON) -> None:
        for record in self.receive(self.rng.choice([1, 50, 1000]), timeout):
            assert record.offset() == self.due[record.partition()], record.partition()
            self.due[record.partition()] += 1
            self.records += 1

    def take_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + TIMEOUT.total_seconds()
        while not condition():
            assert time.monotonic() < deadline, (self.due, self.events)
            self.take()

    def take_all(self) -> None:
        ends = {number: self.lookup.watermarks(number, TIMEOUT).high for number in self.due}
        self.take_until(lambda: self.due == ends)


@pytest.fixture
def open_reader(kafka: str) -> Iterator[Open]:
    """`open_reader(topic)`: all of one topic share a group, and are closed after the test."""
    readers: list[Reader] = []

    def open_one(topic: str) -> Reader:
        readers.append(Reader(kafka, topic, random.Random(len(readers))))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.close()
        reader.lookup.close()


def fill(kafka: str, topic: str, partitions: int) -> None:
    """Return as many records as the start of a reader may need."""
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for number in range(100 * partitions):
        producer.produce(topic, b"", partition=number % partitions)
    producer.flush()


@contextmanager
def flow(kafka: str, topic: str, partitions: int) -> Iterator[None]:
    """Records come to all partitions, some thousands a second, for as long as the block takes."""
    ended = threading.Event()
    fill(kafka, topic, partitions)

    def feed() -> None:
        producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True, "linger.ms": 1})
        while not ended.wait(0.005):
            for number in range(20 * partitions):
                producer.produce(topic, b"", partition=number % partitions)
            producer.poll(0)
        producer.flush()

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_hundreds_of_moves_are_exact(kafka: str, topic: Topic, open_reader: Open) -> None:
    name, rng, waits = topic(4), random.Random(1), []
    with flow(kafka, name, 4):
        reader = open_reader(name)
        reader.take_until(lambda: reader.records > 1000)
        for _ in range(400):
            number = rng.randrange(4)
            began, before = time.perf_counter(), reader.records
            reader.go_back(number)
            if rng.random() < 0.3:
                reader.go_back(number)
            if rng.random() < 0.5:
                reader.take(NOW)
                continue
            start = reader.due[number]
            reader.take_until(lambda number=number, start=start: reader.due[number] > start)  # type: ignore[misc]
            waits.append(time.perf_counter() - began)
            assert reader.records > before
    reader.take_all()
    print(f"{reader.moves} moves; {1000 * statistics.median(waits):.1f} ms to the first record, in the median")  # noqa: T201


def test_moves_right_after_an_assignment_take_effect(kafka: str, topic: Topic, open_reader: Open) -> None:
    name = topic(4)
    with flow(kafka, name, 4):
        for _ in range(20):
            reader = open_reader(name)
            reader.take_until(lambda reader=reader: reader.due)  # type: ignore[misc]
            for _ in range(5):
                reader.rewind()
                reader.take(NOW)
            reader.take_until(lambda reader=reader: reader.records > 1000)  # type: ignore[misc]
            reader.close()


def test_moves_in_rebalance_callbacks_are_exact(kafka: str, topic: Topic, open_reader: Open) -> None:
    name = topic(6)
    with flow(kafka, name, 6):
        first = open_reader(name)
        first.take_until(lambda: len(first.due) == 6)
        for _ in range(5):
            second = open_reader(name)
            deadline = time.monotonic() + TIMEOUT.total_seconds()
            while not len(first.due) == len(second.due) == 3:
                assert time.monotonic() < deadline, (first.events, second.events)
                first.take()
                second.take()
            second.close()
            first.take_until(lambda: len(first.due) == 6)
    first.take_all()
    assert first.moves > 0


def test_move_is_not_mistaken_for_a_rebalance(kafka: str, topic: Topic, open_reader: Open) -> None:
    name = topic(2)
    fill(kafka, name, 2)
    first = open_reader(name)
    first.take_until(lambda: len(first.due) == 2)
    second = open_reader(name)
    until = time.monotonic() + 2
    while time.monotonic() < until:  # the first one is asked for a partition, and does not listen
        second.take()
    first.rewind()
    first._seek_requested()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        second.take()
    assert second.due == {}
    deadline = time.monotonic() + TIMEOUT.total_seconds()
    while not second.due:
        assert time.monotonic() < deadline
        first.take()
        second.take()
    revoked, assigned = first.events[-1], second.events[-1]
    assert (revoked[0], assigned[0]) == ("revoked", "assigned")
    assert revoked[1] < assigned[1]


def test_removed_member_is_reported_after_a_move(kafka: str, topic: Topic) -> None:
    name = topic(1)
    options = {**QUICK, "max.poll.interval.ms": "6000"}
    events: list[str] = []
    member = InputConsumer(Connection(BrokerSettings(kafka, f"group-of-{name}", options=options)), name)
    member.subscribe(
        lambda numbers: dict.fromkeys(numbers, 0), lambda _: events.append("revoked"), lambda _: events.append("lost")
    )
    while not member.assigned:
        member.receive(1, SOON)
    time.sleep(7)  # a batch that takes too long
    member.seek(0, 0)
    member._seek_requested()
    deadline = time.monotonic() + TIMEOUT.total_seconds()
    while not events:
        assert time.monotonic() < deadline
        with suppress(RetryCall):  # it says why
            member.receive(1, SOON)
    assert events == ["lost"]
    member.close()
