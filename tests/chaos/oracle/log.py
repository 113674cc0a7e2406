"""What the broker has: records as a read_committed reader finds them, committed offsets, open transactions."""

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
        source: partition and offset of the record that it came from; None in the input.
        is_poison: whether its sender says that it cannot be scored.
        version: of the model that made it; empty where it does not say.
    """

    offset: int
    value: bytes | None
    source: tuple[int, int] | None
    is_poison: bool
    version: str = ""


class Log:
    """A topic, read on from where the last `read` ended.

    Attributes:
        entries: for each partition what was read so far.
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

    def read(self, patience: float = 60) -> dict[int, list[Entry]]:
        """Read to the present end of all partitions; all that was read so far.

        Args:
            patience: how many seconds may pass without a record or an end.
        """
        ends = {number: _end(self._consumer, self.topic, number) for number in self.entries}
        positions, deadline = self._positions(), time.monotonic() + patience
        while any(positions[number] < end for number, end in ends.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.topic} cannot be read to its ends {ends}: it is at {positions}")
            self.poll(0.2)
            if (now := self._positions()) != positions:
                positions, deadline = now, time.monotonic() + patience
        return self.entries

    def poll(self, seconds: float) -> list[tuple[int, Entry]]:
        """What has arrived, with its partition; it waits for no longer than this."""
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
        # Control records have offsets, too, and are no messages: the last message does not say how far the reader is.
        return max(0, self._consumer.position([TopicPartition(self.topic, number)])[0].offset)


def open_transactions(servers: str, topic: str, partitions: int, patience: float = 30) -> list[int]:
    """The partitions whose last stable offset is not their end, and does not become it.

    A transaction is decided before the markers that end it are written, and one whose owner has died ends by its
    time-out: so it is waited for.
    """
    levels = ("read_committed", "read_uncommitted")
    readers = [
        Consumer({"bootstrap.servers": servers, "group.id": "ends", "isolation.level": level, "log_level": 0})
        for level in levels
    ]
    deadline = time.monotonic() + patience
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
    """The group's committed offsets; 0 where there is none."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": group, "log_level": 0})
    places = [TopicPartition(topic, number) for number in range(partitions)]
    answers = retry(lambda: reader.committed(places, 5))
    reader.close()
    return {answer.partition: max(0, answer.offset) for answer in answers}


def wait_until_committed(
    servers: str, group: str, input_: dict[int, list[Entry]], topic: str, patience: float
) -> dict[int, int]:
    """Wait until the group has committed all of the input; what it has committed then, or when the time is over."""
    deadline = time.monotonic() + patience
    while True:
        offsets = committed(servers, group, topic, len(input_))
        if not behind(offsets, input_) or time.monotonic() > deadline:
            return offsets
        time.sleep(0.1)


def behind(offsets: dict[int, int], input_: dict[int, list[Entry]]) -> dict[int, int]:
    """How many records are not committed, of the partitions that have such."""
    left = {number: sum(entry.offset >= offsets[number] for entry in entries) for number, entries in input_.items()}
    return {number: count for number, count in left.items() if count}


def retry(call: Any, patience: float = 240) -> Any:
    """Make a call again for as long as the broker does not answer."""
    deadline = time.monotonic() + patience
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
