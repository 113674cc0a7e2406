"""Produce records at a steady rate, in a separate process.

python -m benchmarks.serving.load SERVERS TOPIC RECORDS_PER_S SECONDS FILE…
"""

from __future__ import annotations

import sys
import time
from itertools import chain, islice, zip_longest
from pathlib import Path

from confluent_kafka import Producer

TICK_S = 0.01


def main(servers: str, topic: str, rate: str, seconds: str, *files: str) -> None:
    """Produce each file to its own partition, with its name as the key. The timestamp is that of the produce call."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 1, "enable.idempotence": True})
    per_tick = max(1, round(float(rate) * TICK_S))
    records = iter(interleaved([Path(file) for file in files]))
    start = time.monotonic()
    for tick in range(round(float(seconds) / TICK_S)):
        time.sleep(max(0.0, start + tick * TICK_S - time.monotonic()))
        for number, key, value in islice(records, per_tick):
            producer.produce(topic, value, key, number)
        producer.poll(0)
    producer.flush()


def interleaved(files: list[Path]) -> list[tuple[int, bytes, bytes]]:
    """Return the records of all files in turn."""
    lanes = [
        [(number, file.stem.encode(), line) for line in file.read_bytes().splitlines()]
        for number, file in enumerate(files)
    ]
    return [record for record in chain.from_iterable(zip_longest(*lanes)) if record]


if __name__ == "__main__":
    main(*sys.argv[1:])
