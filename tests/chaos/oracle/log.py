"""The state of the broker: records as a read_committed consumer reads them, committed offsets, open transactions."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

SOURCE = re.compile(r".*\[(\d+)\]@(\d+)")


class Entry(NamedTuple):
    """A record of a topic.

    Attributes:
        source: partition and offset of the record that caused it; None in the input.
        is_poison: whether its sender has marked it as one that cannot be scored.
        version: the model version that made it; empty without a version header.
    """

    offset: int
    value: bytes | None
    source: tuple[int, int] | None
    is_poison: bool
    version: str = ""


class Log:
    """A topic; each `read` continues where the last one ended.

    Attributes:
        entries: the records read so far, by partition.
    """

    def __init__(self, servers: str, topic: str, partitions: int) -> None:
        self.topic = topic
        self.entries: dict[int, list[Entry]] = {number: [] for number in range(partitions)}
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": uuid.uuid4().hex,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])

    def read(self, timeout_s: float = 60) -> dict[int, list[Entry]]:
        """Read to the current end of all partitions; return all records read so far.

        Args:
            timeout_s: time limit without progress, in seconds.
        """
        ends = {number: _end(self._consumer, self.topic, number) for number in self.entries}
        positions, deadline = self._positions(), time.monotonic() + timeout_s
        while any(positions[number] < end for number, end in ends.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.topic} cannot be read to its ends {ends}: it is at {positions}")
            self.poll(0.2)
            if (now := self._positions()) != positions:
                positions, deadline = now, time.monotonic() + timeout_s
        return self.entries

    def poll(self, seconds: float) -> list[tuple[int, Entry]]:
        """Wait up to this many seconds; return the records that have arrived, each with its partition."""
        arrived = []
        for message in self._consumer.consume(1000, seconds):
            if message.error() is None:
                number, entry = int(message.partition() or 0), _entry(message)
                self.entries[number].append(entry)
                arrived.append((number, entry))
            elif message.error().code() not in (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN):
                assert message.error().retriable() or message.error().code() < 0, message.error()
        return arrived

    def close(self) -> None:
        self._consumer.close()

    def _positions(self) -> dict[int, int]:
        return {number: self._position(number) for number in self.entries}

    def _position(self, number: int) -> int:
        # Not that of the last message: control records have offsets, too, and are not messages.
        return max(0, self._consumer.position([TopicPartition(self.topic, number)])[0].offset)


def open_transactions(servers: str, topic: str, partitions: int, timeout_s: float = 30) -> list[int]:
    """Return the partitions whose last stable offset does not reach their end within the timeout.

    The markers of a transaction are written after its commit, and a transaction whose owner has died only ends after
    its timeout.
    """
    levels = ("read_committed", "read_uncommitted")
    readers = [
        Consumer({"bootstrap.servers": servers, "group.id": "ends", "isolation.level": level, "log_level": 0})
        for level in levels
    ]
    deadline = time.monotonic() + timeout_s
    waiting = list(range(partitions))
    while waiting and time.monotonic() < deadline:
        waiting = [number for number in waiting if len({_end(reader, topic, number) for reader in readers}) > 1]
        time.sleep(0.05 if waiting else 0)
    for reader in readers:
        reader.close()
    return waiting


def topic_ends(servers: str, topic: str, partitions: int) -> list[int]:
    """Return the end of each partition: one after its last record, whether it is committed or not."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": "ends", "log_level": 0})
    ends = [_end(reader, topic, number) for number in range(partitions)]
    reader.close()
    return ends


def committed(servers: str, group: str, topic: str, partitions: int) -> dict[int, int]:
    """Return the group's committed offset of each partition; 0 if it has none."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": group, "log_level": 0})
    places = [TopicPartition(topic, number) for number in range(partitions)]
    answers = retry(lambda: reader.committed(places, 5))
    reader.close()
    return {answer.partition: max(0, answer.offset) for answer in answers}


def wait_until_committed(
    servers: str, group: str, input_: dict[int, list[Entry]], topic: str, timeout_s: float
) -> dict[int, int]:
    """Wait until the group has committed all input or the timeout is over; return the committed offsets."""
    deadline = time.monotonic() + timeout_s
    while True:
        offsets = committed(servers, group, topic, len(input_))
        if not behind(offsets, input_) or time.monotonic() > deadline:
            return offsets
        time.sleep(0.1)


def behind(offsets: dict[int, int], input_: dict[int, list[Entry]]) -> dict[int, int]:
    """Return the number of uncommitted records, without the partitions that have none."""
    left = {number: sum(entry.offset >= offsets[number] for entry in entries) for number, entries in input_.items()}
    return {number: count for number, count in left.items() if count}


def retry(call: Any, timeout_s: float = 240) -> Any:
    """Repeat a call until the broker answers."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return call()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _end(reader: Consumer, topic: str, number: int) -> int:
    place = TopicPartition(topic, number)
    return int(retry(lambda: reader.get_watermark_offsets(place, 5, cached=False))[1])


def _entry(message: Message) -> Entry:
    named: dict[str, Any] = dict(message.headers() or ())
    match = SOURCE.fullmatch(named["makiserve.source"].decode()) if "makiserve.source" in named else None
    version = named.get("makiserve.version", b"").decode()
    source = (int(match[1]), int(match[2])) if match else None
    return Entry(int(message.offset() or 0), message.value(), source, "poison" in named, version)
