"""Records at a steady rate, from a process of its own.

python -m benchmarks.serving.load SERVERS TOPIC RECORDS_A_SECOND SECONDS FILE…
"""

from __future__ import annotations

import sys
import time
from itertools import chain, islice, zip_longest
from pathlib import Path

from confluent_kafka import Producer

TICK_S = 0.01


def main(servers: str, topic: str, rate: str, seconds: str, *files: str) -> None:
    """A file a partition, its name the key; the timestamp is that of the moment at which a record is handed over."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 1, "enable.idempotence": True})
    per_tick = max(1, round(float(rate) * TICK_S))
    records = iter(interleaved([Path(each) for each in files]))
    start = time.monotonic()
    for tick in range(round(float(seconds) / TICK_S)):
        time.sleep(max(0.0, start + tick * TICK_S - time.monotonic()))
        for number, key, value in islice(records, per_tick):
            producer.produce(topic, value, key, number)
        producer.poll(0)
    producer.flush()


def interleaved(files: list[Path]) -> list[tuple[int, bytes, bytes]]:
    """The records of all files in turn."""
    lanes = [
        [(number, file.stem.encode(), line) for line in file.read_bytes().splitlines()]
        for number, file in enumerate(files)
    ]
    return [each for each in chain.from_iterable(zip_longest(*lanes)) if each]


if __name__ == "__main__":
    main(*sys.argv[1:])
