"""Outputs, as a consumer of committed ones sees them appear; and whether they are the replay's."""

from __future__ import annotations

import math
import time

import msgspec
from confluent_kafka import Consumer, TopicPartition

from benchmarks.serving.jobs import Job
from benchmarks.serving.process import Process

Seen = dict[bytes, list[tuple[float, float]]]
"""Of each key the values, and when each was seen, in seconds of the clock."""

SILENCE_S = 90


class Outputs:
    """Reads an output topic until all is there, or time is up.

    Attributes:
        seen: all outputs.
        first: when the first were seen, how many, and the processor's time until then; `last` likewise of all.
    """

    def __init__(self, servers: str, topic: str, partitions: int) -> None:
        own = {"bootstrap.servers": servers, "group.id": "outputs", "isolation.level": "read_committed"}
        self._consumer = Consumer(own | {"fetch.wait.max.ms": 5})
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
        self.seen: Seen = {}
        self.first = self.last = (0.0, 0, 0.0)

    def read(self, process: Process, count: int, longest_s: float) -> None:
        """Until `count` outputs are there, or `longest_s` seconds after the first.

        Raises:
            RuntimeError: there is none for long.
        """
        decode, found, now = msgspec.json.decode, 0, time.time()
        deadline = now + SILENCE_S
        while found < count and now < deadline:
            messages = self._consumer.consume(10_000, 0.01)
            now = time.time()
            if not messages:
                process.check()
                continue
            for message in messages:
                self.seen.setdefault(message.key(), []).append((now, decode(message.value())["prediction"]))
            if not found:
                deadline = now + longest_s
            found += len(messages)
            self.last = (now, found, process.cpu_s())
            if not self.first[1]:
                self.first = self.last
        self._consumer.close()
        if self.last[1] == self.first[1]:
            raise RuntimeError(f"{found} outputs in {SILENCE_S} s:\n{process.log.read_text()[-3000:]}")

    def rate(self, job: Job) -> float:
        """Records a second, from the first output that was seen to the last."""
        return self._records(job) / (self.last[0] - self.first[0])

    def cpu_s_per_million(self, job: Job) -> float:
        """Seconds of the processor for a million records, the start not included."""
        return (self.last[2] - self.first[2]) / self._records(job) * 1e6

    def _records(self, job: Job) -> float:
        return (self.last[1] - self.first[1]) * job.records / job.outputs

    def differing(self, job: Job) -> int:
        """How many are not the replay's, in its order, or are too many; the flights' model begins in float32."""
        wrong = 0
        for key, values in self.seen.items():
            expected = job.expected[key]
            pairs = zip(values, expected, strict=False)
            wrong += sum(not math.isclose(own, other, rel_tol=1e-6, abs_tol=1e-6) for (_, own), (_, other) in pairs)
            wrong += max(0, len(values) - len(expected))
        return wrong

    def latencies_ms(self, job: Job, produced: dict[bytes, list[float]], since: float) -> list[float]:
        """From each record that caused an output to the moment at which it was seen, of those seen since a moment."""
        return [
            (seen - produced[key][cause]) * 1e3
            for key, values in self.seen.items()
            for (seen, _), (cause, _) in zip(values, job.expected[key], strict=False)
            if seen >= since
        ]
