"""How long the partitions of a worker are silent when it is killed under load, on a real broker."""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import KafkaServer, create_topic, install

PARTITIONS = 6
WORKERS = 3
RATE = 1000
ROUNDS = 5
SETTLE_S = 6.0
PIPELINE = "tests.integration.serving.pipeline:features"
KINDS = {
    "with --instance": ["--instance", "bench"],
    "without, session.timeout.ms=10000": ["--kafka", "session.timeout.ms=10000"],
}


class Arrivals:
    """When outputs of each partition became visible."""

    def __init__(self, servers: str, topic: str) -> None:
        self.last = dict.fromkeys(range(PARTITIONS), time.monotonic())
        self.longest = dict.fromkeys(range(PARTITIONS), 0.0)
        self._stop = threading.Event()
        settings = {"bootstrap.servers": servers, "group.id": "arrivals", "isolation.level": "read_committed"}
        self._consumer = Consumer(settings | {"fetch.wait.max.ms": 10})
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def forget(self) -> None:
        """Measure from now on."""
        self.longest = dict.fromkeys(range(PARTITIONS), 0.0)

    def gaps(self) -> list[float]:
        """The longest silence of each partition, in seconds, one that lasts still included."""
        now = time.monotonic()
        return [max(self.longest[number], now - self.last[number]) for number in range(PARTITIONS)]

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._stop.is_set():
            now = time.monotonic()
            for message in self._consumer.consume(10_000, 0.01):
                number = message.partition()
                self.longest[number] = max(self.longest[number], now - self.last[number])
                self.last[number] = now


def run() -> None:
    """Print the silences."""
    print(f"\nkill -9 on one of {WORKERS} workers, {PARTITIONS} partitions, {RATE:,} records/s, {ROUNDS} rounds\n")
    print("| | median silence | longest | of the others |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory, KafkaServer(install(), Path(directory)) as server:
        for number, (name, options) in enumerate(KINDS.items()):
            own, others = _measure(server.bootstrap_servers, str(number), options)
            print(f"| {name} | {statistics.median(own):.1f} s | {max(own):.1f} s | {max(others):.1f} s |")


def _measure(servers: str, name: str, options: list[str]) -> tuple[list[float], list[float]]:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    for topic in (f"in{name}", f"out{name}"):
        create_topic(admin, topic, PARTITIONS)
    command = [sys.executable, "-m", "makiserve", "--features", PIPELINE, "--bootstrap-servers", servers]
    command += ["--input", f"in{name}", "--output", f"out{name}", "--workers", str(WORKERS), *options]
    stop = threading.Event()
    load = threading.Thread(target=_load, args=(servers, f"in{name}", stop))
    service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    arrivals = Arrivals(servers, f"out{name}")
    load.start()
    try:
        return _rounds(service, arrivals)
    finally:
        service.terminate()
        service.wait()
        stop.set()
        load.join()
        arrivals.close()


def _rounds(service: subprocess.Popen[bytes], arrivals: Arrivals) -> tuple[list[float], list[float]]:
    """The silences of the partitions that the killed workers had, and of the others."""
    chance, own, others = random.Random(1), [], []
    _settle(arrivals)
    for _ in range(ROUNDS):
        children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
        arrivals.forget()
        os.kill(int(chance.choice(children)), signal.SIGKILL)
        time.sleep(1)
        _settle(arrivals)
        gaps = sorted(arrivals.gaps(), reverse=True)
        share = PARTITIONS // WORKERS
        own += gaps[:share]
        others += gaps[share:]
    return own, others


def _settle(arrivals: Arrivals) -> None:
    """Wait until every partition has spoken again and goes on speaking."""
    deadline = time.monotonic() + 120
    calm = time.monotonic()
    while time.monotonic() - calm < SETTLE_S:
        assert time.monotonic() < deadline, "the service does not recover"
        now = time.monotonic()
        if any(now - last > 1 for last in arrivals.last.values()):
            calm = now
        time.sleep(0.05)


def _load(servers: str, topic: str, stop: threading.Event) -> None:
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5})
    number = 0
    while not stop.wait(0.01):
        for _ in range(RATE // 100):
            value = b'{"number": %d, "value": %d}' % (number, number % 7)
            producer.produce(topic, value, partition=number % PARTITIONS)
            number += 1
        producer.poll(0)
    producer.flush(10)
