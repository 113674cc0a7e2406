"""Run all contestants in turn, round after round, on one broker."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.serving import jobs, moving, restoring
from benchmarks.serving.jobs import Job
from benchmarks.serving.many_keys import wait
from benchmarks.serving.outputs import Outputs
from benchmarks.serving.process import (
    BY_HAND,
    FAUST,
    MAKISERVE,
    PEERS,
    QUIX_STREAMS,
    ROOT,
    TWO_WORKERS,
    Process,
    command,
    python_of,
)
from makiserve.testing.broker import KafkaServer, create_topic, install

SCALE = float(os.environ.get("SCALE", "1"))
"""Scales the numbers of records and seconds; below 1 for a trial."""

ROUNDS = 3 if SCALE >= 1 else 1
MAX_RUN_S = 15 * SCALE
"""Maximum time of a run after its first output. A slower contestant is measured by its outputs until then."""

LOAD_S = max(3, 10 * SCALE)
MIN_OUTPUTS = 100
"""Minimum number of outputs for percentiles."""
LOADS = {"a quarter": 0.25, "half": 0.5}
CONTESTANTS = {
    "electricity": (MAKISERVE, BY_HAND, QUIX_STREAMS, FAUST, TWO_WORKERS),
    "flights": (MAKISERVE, BY_HAND, QUIX_STREAMS, TWO_WORKERS),
}
JOBS: dict[Callable[[Path, int], Job], int] = {jobs.electricity: 2_400_000, jobs.flights: 336_776}


class Contest:
    """Runs of contestants on one broker, with new topics for each."""

    def __init__(self, servers: str, folder: Path) -> None:
        self._servers, self._folder, self._numbers = servers, folder, count()
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})

    def topic(self, name: str, partitions: int) -> str:
        """Create a topic, and return its name."""
        name = f"{name}.{next(self._numbers)}"
        create_topic(self._admin, name, partitions)
        return name

    def backlog(self, job: Job) -> str:
        """Create a topic with all records of a job, and return its name."""
        topic = self.topic(job.name, len(job.lanes))
        settings = {"bootstrap.servers": self._servers, "queue.buffering.max.messages": 2_000_000}
        producer = Producer(settings | {"enable.idempotence": True})  # a retry must not reorder or duplicate
        for number, (key, messages) in enumerate(job.lanes.items()):
            for message in messages:
                producer.produce(topic, message, key, number)
            producer.flush()
        return topic

    def run(self, contestant: str, job: Job, source: str) -> Outputs:
        """Serve a backlog, and return the outputs."""
        target = self.topic("out", len(job.lanes))
        outputs = Outputs(self._servers, target, len(job.lanes))
        with Process(self._command(contestant, job, source, target), self._folder / f"{target}.log") as process:
            outputs.read(process, job.outputs, MAX_RUN_S)
        return outputs

    def latencies_ms(self, contestant: str, job: Job, rate: float) -> list[float]:
        """Return the latencies of records at a steady rate, without those of the first second of outputs."""
        source, target = self.topic(job.name, len(job.lanes)), self.topic("out", len(job.lanes))
        outputs = Outputs(self._servers, target, len(job.lanes))
        files = [str(job.estimator.parent / f"{key.decode()}.jsonl") for key in job.lanes]
        load = [sys.executable, "-m", "benchmarks.serving.load", self._servers, source, f"{rate}", f"{LOAD_S}", *files]
        with Process(self._command(contestant, job, source, target), self._folder / f"{target}.log") as process:
            _wait_until_ready(process, contestant, len(job.lanes))
            with subprocess.Popen(load, cwd=ROOT):
                outputs.read(process, job.outputs, LOAD_S - 1)
        return outputs.latencies_ms(job, self._produced(source, job), outputs.first[0] + 1)

    def _command(self, contestant: str, job: Job, source: str, target: str) -> list[str]:
        return command(contestant, job, self._servers, source, target, self._folder)

    def _produced(self, source: str, job: Job) -> dict[bytes, list[float]]:
        """Return the timestamps of the records of each key, in seconds."""
        timestamps: dict[bytes, list[float]] = defaultdict(list)
        reader = Consumer({"bootstrap.servers": self._servers, "group.id": "times"})
        ends = [reader.get_watermark_offsets(TopicPartition(source, number))[1] for number in range(len(job.lanes))]
        reader.assign([TopicPartition(source, number, 0) for number in range(len(job.lanes))])
        for _ in range(sum(ends)):
            message = reader.poll(30)
            timestamps[message.key()].append(message.timestamp()[1] / 1e3)
        reader.close()
        return timestamps


def main() -> None:
    """Print all tables."""
    for peer in PEERS:
        python_of(peer)
    with tempfile.TemporaryDirectory() as directory, KafkaServer(install(), Path(directory, "kafka")) as server:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{directory}/mlflow.db"
        os.environ["PYTHONPATH"] = str(ROOT)
        contest = Contest(server.bootstrap_servers, Path(directory))
        for make, records in JOBS.items():
            job = make(Path(directory, make.__name__), int(records * SCALE))
            _latencies(contest, job, _throughput(contest, job))
        restoring.measure(server.bootstrap_servers, Path(directory), SCALE)
        moving.measure(server.bootstrap_servers, Path(directory), SCALE)


def _wait_until_ready(process: Process, contestant: str, partitions: int) -> None:
    """Wait until a contestant can process records: what arrives earlier waits for it, and for the imports."""
    if contestant == BY_HAND:
        time.sleep(15)  # it does not report
    else:
        wait(process, lambda: process.log.read_text().count("→ running") == partitions)


def _throughput(contest: Contest, job: Job) -> float:
    """Print the rates, and return makiserve's."""
    source, rates, cpu = contest.backlog(job), defaultdict(list), defaultdict(list)
    different: dict[str, int] = defaultdict(int)
    for _ in range(ROUNDS):
        for contestant in CONTESTANTS[job.name]:
            outputs = contest.run(contestant, job, source)
            rates[contestant].append(outputs.rate(job))
            cpu[contestant].append(outputs.cpu_s_per_million(job))
            different[contestant] += outputs.count_different(job)
    print(
        f"\n{job.name}: {job.records:,} records, {job.outputs:,} outputs, "
        f"{len(job.lanes)} partitions, {ROUNDS} rounds\n"
    )
    print("| | records/s | min…max | makiserve ÷ it in a round: min, median, max | CPU s per million | different |")
    print("|---|---|---|---|---|---|")
    for name, values in rates.items():
        ratios = sorted(rate / other for rate, other in zip(rates[MAKISERVE], values, strict=True))
        ratio = f"{ratios[0]:.2f}, {statistics.median(ratios):.2f}, {ratios[-1]:.2f}"
        spread = f"{min(values):,.0f}…{max(values):,.0f}"
        seconds = f"{statistics.median(cpu[name]):.1f}"
        print(f"| {name} | {statistics.median(values):,.0f} | {spread} | {ratio} | {seconds} | {different[name]:,} |")
    return statistics.median(rates[MAKISERVE])


def _latencies(contest: Contest, job: Job, rate: float) -> None:
    print(
        f"\n{job.name}: from a record's timestamp until a read_committed reader receives its output, {LOAD_S:.0f} s\n"
    )
    print("| | load, records/s | outputs | p50 ms | p99 ms |")
    print("|---|---|---|---|---|")
    for load, share in LOADS.items():
        for contestant in (MAKISERVE, BY_HAND):
            latencies = contest.latencies_ms(contestant, job, rate * share)
            description = f"{load}, {rate * share:,.0f}"
            if len(latencies) < MIN_OUTPUTS:
                print(f"| {contestant} | {description} | {len(latencies):,} | too few | |")
                continue
            cuts = statistics.quantiles(latencies, n=100)
            print(f"| {contestant} | {description} | {len(latencies):,} | {cuts[49]:.0f} | {cuts[98]:.0f} |")
