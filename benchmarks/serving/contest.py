"""The contests: all contenders in turn, round after round, on one broker."""

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

from benchmarks.serving import jobs, restoring
from benchmarks.serving.jobs import Job
from benchmarks.serving.outputs import Outputs
from benchmarks.serving.process import (
    BY_HAND,
    FAUST,
    MAKISERVE,
    PEERS,
    QUIX_STREAMS,
    ROOT,
    TWO,
    Process,
    command,
    python_of,
)
from makiserve.testing.broker import KafkaServer, create_topic, install

SCALE = float(os.environ.get("SCALE", "1"))
"""Of the numbers of records and seconds: less than 1 to try it."""

ROUNDS = 3 if SCALE >= 1 else 1
LONGEST_S = 15 * SCALE
"""Of a run from its first output on: those that are slower are measured by what they have done until then."""

LOAD_S = max(3, 10 * SCALE)
FEWEST = 100
"""Outputs that a percentile takes."""
LOADS = {"a quarter": 0.25, "half": 0.5}
CONTENDERS = {
    "electricity": (MAKISERVE, BY_HAND, QUIX_STREAMS, FAUST, TWO),
    "flights": (MAKISERVE, BY_HAND, QUIX_STREAMS, TWO),
}
JOBS: dict[Callable[[Path, int], Job], int] = {jobs.electricity: 800_000, jobs.flights: 336_776}


class Contest:
    """One broker, and topics of new names on it."""

    def __init__(self, servers: str, folder: Path) -> None:
        self._servers, self._folder, self._numbers = servers, folder, count()
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})

    def topic(self, name: str, partitions: int) -> str:
        """A new topic."""
        name = f"{name}.{next(self._numbers)}"
        create_topic(self._admin, name, partitions)
        return name

    def backlog(self, job: Job) -> str:
        """A topic that holds all records of a job."""
        topic = self.topic(job.name, len(job.lanes))
        settings = {"bootstrap.servers": self._servers, "queue.buffering.max.messages": 2_000_000}
        producer = Producer(settings | {"enable.idempotence": True})  # a retry may neither reorder nor double
        for number, (key, messages) in enumerate(job.lanes.items()):
            for message in messages:
                producer.produce(topic, message, key, number)
            producer.flush()
        return topic

    def run(self, contender: str, job: Job, source: str) -> Outputs:
        """Serve a backlog."""
        target = self.topic("out", len(job.lanes))
        outputs = Outputs(self._servers, target, len(job.lanes))
        with Process(self._command(contender, job, source, target), self._folder / f"{target}.log") as process:
            outputs.read(process, job.outputs, LONGEST_S)
        return outputs

    def latencies_ms(self, contender: str, job: Job, rate: float) -> list[float]:
        """Serve records that come at a rate; the first second of outputs, that of the start, does not count."""
        source, target = self.topic(job.name, len(job.lanes)), self.topic("out", len(job.lanes))
        outputs = Outputs(self._servers, target, len(job.lanes))
        files = [str(job.estimator.parent / f"{key.decode()}.jsonl") for key in job.lanes]
        load = [sys.executable, "-m", "benchmarks.serving.load", self._servers, source, f"{rate}", f"{LOAD_S}", *files]
        with Process(self._command(contender, job, source, target), self._folder / f"{target}.log") as process:
            time.sleep(8)  # its imports would compete with the load for the processor
            with subprocess.Popen(load, cwd=ROOT):
                outputs.read(process, job.outputs, LOAD_S - 1)
        return outputs.latencies_ms(job, self._produced(source, job), outputs.first[0] + 1)

    def _command(self, contender: str, job: Job, source: str, target: str) -> list[str]:
        return command(contender, job, self._servers, source, target, self._folder)

    def _produced(self, source: str, job: Job) -> dict[bytes, list[float]]:
        """When the records of each key were produced, by the clock."""
        found: dict[bytes, list[float]] = defaultdict(list)
        reader = Consumer({"bootstrap.servers": self._servers, "group.id": "times"})
        ends = [reader.get_watermark_offsets(TopicPartition(source, number))[1] for number in range(len(job.lanes))]
        reader.assign([TopicPartition(source, number, 0) for number in range(len(job.lanes))])
        for _ in range(sum(ends)):
            message = reader.poll(30)
            found[message.key()].append(message.timestamp()[1] / 1e3)
        reader.close()
        return found


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


def _throughput(contest: Contest, job: Job) -> float:
    """Print the rates; returns makiserve's."""
    source, rates, cpu = contest.backlog(job), defaultdict(list), defaultdict(list)
    wrong: dict[str, int] = defaultdict(int)
    for _ in range(ROUNDS):
        for contender in CONTENDERS[job.name]:
            outputs = contest.run(contender, job, source)
            rates[contender].append(outputs.rate(job))
            cpu[contender].append(outputs.cpu_s_per_million(job))
            wrong[contender] += outputs.differing(job)
    print(
        f"\n{job.name}: {job.records:,} records, {job.outputs:,} outputs, "
        f"{len(job.lanes)} partitions, {ROUNDS} rounds\n"
    )
    print(
        "| | records/s | min…max | makiserve ÷ it in a round: min, median, max | CPU s a million | unlike the replay |"
    )
    print("|---|---|---|---|---|---|")
    for name, found in rates.items():
        ratios = sorted(own / other for own, other in zip(rates[MAKISERVE], found, strict=True))
        ratio = f"{ratios[0]:.2f}, {statistics.median(ratios):.2f}, {ratios[-1]:.2f}"
        spread = f"{min(found):,.0f}…{max(found):,.0f}"
        seconds = f"{statistics.median(cpu[name]):.1f}"
        print(f"| {name} | {statistics.median(found):,.0f} | {spread} | {ratio} | {seconds} | {wrong[name]:,} |")
    return statistics.median(rates[MAKISERVE])


def _latencies(contest: Contest, job: Job, rate: float) -> None:
    print(f"\n{job.name}: from a record's timestamp until a reader of committed outputs sees its own, {LOAD_S:.0f} s\n")
    print("| | load, records/s | outputs | p50 ms | p99 ms |")
    print("|---|---|---|---|---|")
    for load, share in LOADS.items():
        for contender in (MAKISERVE, BY_HAND):
            found = contest.latencies_ms(contender, job, rate * share)
            what = f"{load}, {rate * share:,.0f}"
            if len(found) < FEWEST:
                print(f"| {contender} | {what} | {len(found):,} | too few | |")
                continue
            cuts = statistics.quantiles(found, n=100)
            print(f"| {contender} | {what} | {len(found):,} | {cuts[49]:.0f} | {cuts[98]:.0f} |")
