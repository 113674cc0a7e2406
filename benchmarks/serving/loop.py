"""A loop by hand with the same guarantees, as the upper limit. It is written for one job and cannot restore its state.

python -m benchmarks.serving.loop JOB ESTIMATOR SERVERS INPUT OUTPUT
"""

from __future__ import annotations

import signal
import sys
import time
from collections import defaultdict

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.serving.byhand import PIPELINES, Estimator, Memory

COMMIT_S = 0.1
BACKOFF_MS = 20
"""Pause of fetching after the queue was full. The default of 1 s halves the throughput of the fast job."""
BATCH = 16_384


def main(job: str, estimator: str, servers: str, source: str, target: str) -> None:
    """Serve until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    features, predict = PIPELINES[job], Estimator(estimator).predict
    decode, encode = msgspec.json.decode, msgspec.json.encode
    connection = {"bootstrap.servers": servers}
    group = {"group.id": target, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    reading = {"isolation.level": "read_committed", "fetch.queue.backoff.ms": BACKOFF_MS}
    consumer = Consumer(connection | group | reading)
    producer = Producer(connection | {"transactional.id": target, "linger.ms": 5})
    producer.init_transactions()
    consumer.subscribe([source])
    states: dict[tuple[int, bytes], Memory] = defaultdict(Memory)
    offsets: dict[int, int] = {}
    due = 0.0
    while not stopped:
        messages = consumer.consume(BATCH, 0.01)
        rows, causes = [], []
        for message in messages:
            number = message.partition()
            offsets[number] = message.offset() + 1
            row = features(states[number, message.key()], decode(message.value()))
            if row is not None:
                rows.append(row)
                causes.append(message)
        if messages and not due:
            producer.begin_transaction()
            due = time.monotonic() + COMMIT_S
        for message, value in zip(causes, predict(rows) if rows else (), strict=True):
            output = encode({"prediction": value})
            producer.produce(target, output, message.key(), message.partition(), timestamp=message.timestamp()[1])
        producer.poll(0)
        if due and time.monotonic() >= due:
            producer.flush()
            ends = [TopicPartition(source, number, offset) for number, offset in offsets.items()]
            producer.send_offsets_to_transaction(ends, consumer.consumer_group_metadata())
            producer.commit_transaction()
            due = 0.0
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
