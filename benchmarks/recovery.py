"""The time without outputs of a killed worker's partitions, under load on a real broker."""

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
STABLE_S = 6.0
PIPELINE = "tests.integration.serving.pipeline:features"
SETTINGS = {
    "with --instance": ["--instance", "bench"],
    "without, session.timeout.ms=10000": ["--kafka", "session.timeout.ms=10000"],
}


class OutputGaps:
    """The time between visible outputs of each partition."""

    def __init__(self, servers: str, topic: str) -> None:
        self.last = dict.fromkeys(range(PARTITIONS), time.monotonic())
        self.longest = dict.fromkeys(range(PARTITIONS), 0.0)
        self._stop = threading.Event()
        settings = {"bootstrap.servers": servers, "group.id": "gaps", "isolation.level": "read_committed"}
        self._consumer = Consumer(settings | {"fetch.wait.max.ms": 10})
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def reset(self) -> None:
        """Measure from now on."""
        self.longest = dict.fromkeys(range(PARTITIONS), 0.0)

    def longest_s(self) -> list[float]:
        """Return the longest gap of each partition in seconds, including a gap that has not ended."""
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
    """Print the gaps."""
    print(f"\nkill -9 on one of {WORKERS} workers, {PARTITIONS} partitions, {RATE:,} records/s, {ROUNDS} rounds\n")
    print("| | median gap | longest gap | longest gap of other partitions |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory, KafkaServer(install(), Path(directory)) as server:
        for number, (name, options) in enumerate(SETTINGS.items()):
            killed, others = _measure(server.bootstrap_servers, str(number), options)
            print(f"| {name} | {statistics.median(killed):.1f} s | {max(killed):.1f} s | {max(others):.1f} s |")


def _measure(servers: str, name: str, options: list[str]) -> tuple[list[float], list[float]]:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    for topic in (f"in{name}", f"out{name}"):
        create_topic(admin, topic, PARTITIONS)
    command = [sys.executable, "-m", "makiserve", "--features", PIPELINE, "--bootstrap-servers", servers]
    command += ["--input", f"in{name}", "--output", f"out{name}", "--workers", str(WORKERS), *options]
    stop = threading.Event()
    load = threading.Thread(target=_load, args=(servers, f"in{name}", stop))
    service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    gaps = OutputGaps(servers, f"out{name}")
    load.start()
    try:
        return _rounds(service, gaps)
    finally:
        service.terminate()
        service.wait()
        stop.set()
        load.join()
        gaps.close()


def _rounds(service: subprocess.Popen[bytes], gaps: OutputGaps) -> tuple[list[float], list[float]]:
    """Return the gaps of the killed workers' partitions, and those of the other partitions."""
    rng, killed, others = random.Random(1), [], []
    _wait_until_stable(gaps)
    for _ in range(ROUNDS):
        children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
        gaps.reset()
        os.kill(int(rng.choice(children)), signal.SIGKILL)
        time.sleep(1)
        _wait_until_stable(gaps)
        longest = sorted(gaps.longest_s(), reverse=True)
        share = PARTITIONS // WORKERS
        killed += longest[:share]
        others += longest[share:]
    return killed, others


def _wait_until_stable(gaps: OutputGaps) -> None:
    """Wait until all partitions have had outputs for `STABLE_S` without a gap."""
    deadline = time.monotonic() + 120
    stable_since = time.monotonic()
    while time.monotonic() - stable_since < STABLE_S:
        assert time.monotonic() < deadline, "the service did not recover"
        now = time.monotonic()
        if any(now - last > 1 for last in gaps.last.values()):
            stable_since = now
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
