"""The time that a starting worker takes to restore the state of many keys."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.serving.process import Process
from makiserve.testing.broker import create_topic

PIPELINE = "benchmarks.serving.shops:features"
KEYS = 300_000
PARTITIONS = 4
INPUT, OUTPUT, STATE = "restoring.in", "restoring.out", "makiserve.restoring.out.state"
PHASE_LINE = re.compile(r"^(\S+ \S+) .*(→ restoring|→ running|records of state)", re.MULTILINE)
TIMEOUT_S = 120


def measure(servers: str, folder: Path, scale: float) -> None:
    """Build the state, drain, start again, and print the restore time from the log of the second start."""
    keys = int(KEYS * scale)
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    for topic in (INPUT, OUTPUT):
        create_topic(admin, topic, PARTITIONS)
    producer = Producer(
        {"bootstrap.servers": servers, "enable.idempotence": True, "queue.buffering.max.messages": 2_000_000}
    )
    for number in range(keys):
        value = b'{"shop": %d, "amount": %d.5}' % (number, number % 97)
        producer.produce(INPUT, value, partition=number % PARTITIONS)
    producer.flush()
    command = [sys.executable, "-m", "makiserve", "--features", PIPELINE, "--bootstrap-servers", servers]
    command += ["--input", INPUT, "--output", OUTPUT, "--http", "127.0.0.1:0"]
    with Process(command, folder / "built.log") as process:
        _wait(process, lambda: _count(servers, OUTPUT) >= keys)
        # Wait for the periodic checkpoint: with this many keys none is written at the end of a drain.
        _wait(process, lambda: _count(servers, STATE) >= keys)
    size = sum(_sizes(servers, STATE))
    with Process(command, folder / "restored.log") as process:
        _wait(process, lambda: process.log.read_text().count("→ running") == PARTITIONS)
    moments = [
        datetime.fromisoformat(timestamp.replace(",", "."))
        for timestamp, _ in PHASE_LINE.findall(process.log.read_text())
    ]
    seconds = (max(moments) - min(moments)).total_seconds()
    print(f"\nRestoring {keys:,} keys, {PARTITIONS} partitions, {size / 1e6:.1f} MB in the state topic\n")
    print("| s | s per 100 MB |\n|---|---|")
    print(f"| {seconds:.2f} | {seconds / size * 1e8:.1f} |")


def _wait(process: Process, is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_done():
        process.check()
        if time.monotonic() > deadline:
            raise RuntimeError(process.log.read_text()[-3000:])
        time.sleep(0.1)


def _count(servers: str, topic: str) -> int:
    return sum(1 for _ in _sizes(servers, topic))


def _sizes(servers: str, topic: str) -> list[int]:
    """Return the size in bytes of each committed record of a topic, key and value."""
    reader = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "sizes",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    reader.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    sizes, ended = [], 0
    while ended < PARTITIONS:
        for message in reader.consume(10_000, 1.0):
            if message.error():
                ended += 1
            else:
                sizes.append(len(message.key() or b"") + len(message.value() or b""))
    reader.close()
    return sizes
