"""Outputs as a `read_committed` consumer receives them, compared with those of the replay."""

from __future__ import annotations

import math
import time

import msgspec
from confluent_kafka import Consumer, TopicPartition

from benchmarks.serving.jobs import Job
from benchmarks.serving.process import Process

Seen = dict[bytes, list[tuple[float, float]]]
"""For each key the time at which each value was received, in seconds, and the value."""

FIRST_OUTPUT_TIMEOUT_S = 90


class Outputs:
    """A reader of an output topic.

    Attributes:
        seen: all outputs.
        first: after the first batch: the time, the number of outputs, and the CPU seconds of the contestant.
        last: the same after the last batch.
    """

    def __init__(self, servers: str, topic: str, partitions: int) -> None:
        settings = {"bootstrap.servers": servers, "group.id": "outputs", "isolation.level": "read_committed"}
        self._consumer = Consumer(settings | {"fetch.wait.max.ms": 5})
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
        self.seen: Seen = {}
        self.first = self.last = (0.0, 0, 0.0)

    def read(self, process: Process, count: int, timeout_s: float) -> None:
        """Read until there are `count` outputs, or until `timeout_s` after the first one.

        Raises:
            RuntimeError: no output arrived, or all outputs came in one batch.
        """
        decode, received, now = msgspec.json.decode, 0, time.time()
        deadline = now + FIRST_OUTPUT_TIMEOUT_S
        while received < count and now < deadline:
            messages = self._consumer.consume(10_000, 0.01)
            now = time.time()
            if not messages:
                process.check()
                continue
            for message in messages:
                self.seen.setdefault(message.key(), []).append((now, decode(message.value())["prediction"]))
            if not received:
                deadline = now + timeout_s
            received += len(messages)
            self.last = (now, received, process.cpu_s())
            if not self.first[1]:
                self.first = self.last
        self._consumer.close()
        if self.last[1] == self.first[1]:
            raise RuntimeError(f"{received} outputs in {FIRST_OUTPUT_TIMEOUT_S} s:\n{process.log.read_text()[-3000:]}")

    def rate(self, job: Job) -> float:
        """Return records per second from the first batch of outputs to the last."""
        return self._records(job) / (self.last[0] - self.first[0])

    def cpu_s_per_million(self, job: Job) -> float:
        """Return CPU seconds per million records, without the start."""
        return (self.last[2] - self.first[2]) / self._records(job) * 1e6

    def _records(self, job: Job) -> float:
        return (self.last[1] - self.first[1]) * job.records / job.outputs

    def count_different(self, job: Job) -> int:
        """Return the number of outputs that differ from the replay or are surplus; the trees compute in float32."""
        different = 0
        for key, values in self.seen.items():
            expected = job.expected[key]
            pairs = zip(values, expected, strict=False)
            different += sum(not math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) for (_, a), (_, b) in pairs)
            different += max(0, len(values) - len(expected))
        return different

    def latencies_ms(self, job: Job, produced: dict[bytes, list[float]], since: float) -> list[float]:
        """Return the time from each record's timestamp to its output, for outputs received since a moment."""
        return [
            (seen - produced[key][cause]) * 1e3
            for key, values in self.seen.items()
            for (seen, _), (cause, _) in zip(values, job.expected[key], strict=False)
            if seen >= since
        ]
