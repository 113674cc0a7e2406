"""The input: sequences of events, with bad records, partly in transactions, some of which are aborted."""

from __future__ import annotations

import json
import random
import threading
import time
from types import TracebackType

from confluent_kafka import KafkaException, Producer

from tests.chaos.pipeline import POISON_EARLY, POISON_LATE

KEYS = 12
"""Number of concurrent sequences of a partition. From time to time one ends and another one begins."""

BURST = 500
"""Number of events of a burst that are sent at once."""

DAMAGED = (None, b"", b"no event", b'{"key": "a", "number": "one"}', b'{"key": "a", "num', b"\xff\xfe", b"[]")
STEP_S = 0.05
"""Seconds from one group of records to the next. In odd partitions each group is a transaction."""
SENT = "sent"
"""The header with the time at which a record was sent. Outputs have it, too."""


class Sender:
    """Sends the records of one partition; with transactions if its number is odd.

    Args:
        keys: number of concurrent sequences.
        poison: the share of records that cannot be scored.
    """

    def __init__(
        self, servers: str, topic: str, partition: int, seed: int | str, keys: int = KEYS, poison: float = 0.04
    ) -> None:
        self._keys = keys
        self.poison = poison
        self._topic = topic
        self._partition = partition
        self._rng = random.Random(f"{seed}/{partition}")
        self._numbers: dict[str, int] = {}
        self._first_key = 0
        self._is_bursting = False
        self._time_ms = 1_700_000_000_000
        self._settings = {"bootstrap.servers": servers, "linger.ms": 0, "enable.idempotence": True, "log_level": 0}
        self._is_transactional = partition % 2 == 1
        self._producer = self._connect()

    def send(self, count: int) -> None:
        """Send this many records. Some may not arrive."""
        try:
            if self._is_transactional:
                self._producer.begin_transaction()
            for _ in range(count):
                value, is_poison = self._value()
                headers: list[tuple[str, str | bytes | None]] = [
                    (SENT, repr(time.time()).encode()),
                    *([("poison", b"")] if is_poison else []),
                ]
                self._producer.produce(
                    self._topic, value, key=b"key", partition=self._partition, timestamp=self._time_ms, headers=headers
                )
            if self._is_transactional and self._rng.random() < 0.05:
                self._producer.abort_transaction(30)
            elif self._is_transactional:
                self._producer.commit_transaction(30)
        except (KafkaException, BufferError):  # the broker or the transaction is lost
            self._producer = self._connect()
        self._producer.poll(0)

    def burst(self, keys: int) -> None:
        """Send an event of each of this many new keys, all within a few seconds of event time."""
        for _ in range(0, keys, BURST):
            self._is_bursting = True
            self.send(BURST)
            self._is_bursting = False
            self.flush()

    def past(self, count: int) -> list[bytes]:
        """Return events of the same sequences that precede those that are sent."""
        first, step = self._time_ms - 100 * count, range(count)
        return [_event(f"{self._partition}-{n % KEYS}", n - count, first + 100 * n, n % 50 + 0.25) for n in step]

    def flush(self) -> None:
        """Wait until all sent records have arrived or failed."""
        self._producer.flush(60)

    def _connect(self) -> Producer:
        if not self._is_transactional:
            return Producer(self._settings)
        producer = Producer(
            self._settings | {"transactional.id": f"{self._topic}-{self._partition}", "transaction.timeout.ms": 10_000}
        )
        while True:
            try:
                producer.init_transactions(5)
            except KafkaException:
                time.sleep(0.2)
            else:
                return producer

    def _value(self) -> tuple[bytes | None, bool]:
        rng = self._rng
        self._time_ms += rng.randrange(2) if self._is_bursting else rng.randrange(1, 400)
        self._first_key += self._is_bursting or rng.random() < 0.01
        is_poison = rng.random() < self.poison
        if is_poison and rng.random() < 0.4:
            return rng.choice(DAMAGED), True
        index = self._keys - 1 if self._is_bursting else rng.randrange(self._keys)  # the last key is new
        key = f"{self._partition}-{self._first_key + index}"
        number = self._numbers[key] = self._numbers.get(key, -1) + 1
        value = rng.choice((POISON_EARLY, POISON_LATE)) if is_poison else round(rng.gauss(50, 20), 3)
        return _event(key, number, self._time_ms, value), is_poison


def _event(key: str, number: int, time_ms: int, value: float) -> bytes:
    return json.dumps({"key": key, "number": number, "time": time_ms, "value": value}).encode()


class Traffic:
    """The senders of all partitions, each in a separate thread. They end with the context.

    Args:
        rate: records per second and partition.
        step_s: seconds from one group of records to the next.
        keys: number of concurrent sequences of each partition.
    """

    def __init__(
        self,
        servers: str,
        topic: str,
        partitions: int,
        rate: int,
        seed: int | str,
        step_s: float = STEP_S,
        keys: int = KEYS,
    ) -> None:
        self._step_s = step_s
        self.senders = [Sender(servers, topic, number, seed, keys) for number in range(partitions)]
        self._records = max(1, round(rate * step_s))
        self._is_sending = threading.Event()
        self._ends = threading.Event()
        self.locks = [threading.Lock() for _ in self.senders]
        pairs = zip(self.senders, self.locks, strict=True)
        self._threads = [threading.Thread(target=self._run, args=pair, daemon=True) for pair in pairs]

    def resume(self) -> None:
        """Send until `pause`."""
        self._is_sending.set()

    def burst(self, keys: int) -> None:
        """Send an event of each of this many new keys to each partition."""
        for sender, lock in zip(self.senders, self.locks, strict=True):
            with lock:
                sender.burst(keys)

    def pause(self) -> None:
        """Stop sending, and wait until all sent records have arrived or failed."""
        self._is_sending.clear()
        for sender, lock in zip(self.senders, self.locks, strict=True):
            with lock:
                sender.flush()

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._is_sending.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _run(self, sender: Sender, lock: threading.Lock) -> None:
        while self._is_sending.wait() and not self._ends.is_set():
            with lock:
                if self._is_sending.is_set():
                    sender.send(self._records)
            time.sleep(self._step_s)
