"""A campaign: a cluster, a service and its traffic, rounds of faults, and the oracle's checks at the end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import KafkaServer, create_topic, install
from tests.chaos.arena import Arena
from tests.chaos.fleet import OPTIONS, Fleet
from tests.chaos.fork_server import ForkServer
from tests.chaos.group import GroupClient
from tests.chaos.model import SLOW, Registry, log_forest
from tests.chaos.network import Proxy
from tests.chaos.oracle import verify
from tests.chaos.output_gaps import OutputGaps
from tests.chaos.report import Report
from tests.chaos.rounds import RoundRunner
from tests.chaos.traffic import KEYS, STEP_S, Traffic

TOPICS = ("events", "scores", "scores.dead-letters")
GROUP = "chaos"
PAST = 200
"""Number of records that warm up each partition."""

NAMES = ("a", "b", "", "c")
"""Names of the workers. Every second one reaches the brokers through the proxies."""


@dataclass(frozen=True)
class Campaign:
    """The settings of a campaign, and its run.

    Attributes:
        directory: for everything: brokers, model, logs, report. It must be empty.
        rate: records per second and partition.
        only: the names of the faults to choose from; none for all.
        step_s: seconds from one burst of records to the next.
        options: librdkafka's options for the workers.
        brokers: more settings for every broker.
        keys: number of keys, for a pipeline whose only state is that of its keys; 0 for one that also has state of the
            lane.
    """

    directory: Path
    rounds: int
    seed: int
    nodes: int = 3
    workers: int = 3
    partitions: int = 6
    rate: int = 60
    only: tuple[str, ...] = ()
    step_s: float = STEP_S
    options: tuple[str, ...] = OPTIONS
    brokers: Mapping[str, str] = field(default_factory=dict)
    keys: int = 0

    def run(self) -> bool:
        """Run all rounds; return whether the oracle accepts the result."""
        self.directory.mkdir(parents=True, exist_ok=True)
        report = Report(self.directory)
        is_watching = not self.only or "move_alias" in self.only
        log_forest(self.directory / "mlflow", versions=2 if is_watching else 1, is_keyed=bool(self.keys))
        registry = Registry(self.directory / "mlflow")
        with ExitStack() as stack:
            arena, direct = self._open(stack, registry, is_watching=is_watching)
            runner = RoundRunner(arena, direct, GROUP, TOPICS, self.partitions, list(self.only))
            stack.callback(runner.close)
            runner.warm_up()
            if self.keys:
                arena.traffic.burst(self.keys // self.partitions)
            for number in range(1, self.rounds + 1):
                report.add(runner.run(number, self.seed))
            verdict = verify(
                direct,
                registry.paths,
                GROUP,
                TOPICS,
                self.partitions,
                self.directory / "replay",
                arena.fork_server.call,
                arena.past,
            )
            for worker in list(arena.fleet.workers):
                arena.fleet.remove(worker)
            return report.end(verdict, arena.fleet.unexpected())

    def _open(self, stack: ExitStack, registry: Registry, *, is_watching: bool) -> tuple[Arena, str]:
        """Start everything; return the arena and the addresses of the brokers without proxies."""
        proxies = [stack.enter_context(Proxy()) for _ in range(self.nodes)]
        ports = [proxy.port for proxy in proxies]
        server = KafkaServer(install(), self.directory / "brokers", self.nodes, ports, self.brokers)
        for proxy, node in zip(proxies, server.nodes, strict=True):
            proxy.target = node.address.detour or 0
        stack.enter_context(server)
        direct = server.bootstrap_servers
        through_proxies = ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies)
        admin = AdminClient({"bootstrap.servers": direct, "log_level": 0})
        for topic in TOPICS:
            create_topic(admin, topic, self.partitions)
        # If the alias never moves, workers load the model from its path: they start sooner without a tracking server.
        model = ["--model", registry.uri, "--watch", "500ms"] if is_watching else ["--model", registry.paths["1"]]
        arguments = [*model, "--input", TOPICS[0], "--output", TOPICS[1], "--group", GROUP]
        keys = self.keys // self.partitions or KEYS
        traffic = Traffic(direct, TOPICS[0], self.partitions, self.rate, self.seed, self.step_s, keys)
        past = {number: sender.past(PAST) for number, sender in enumerate(traffic.senders)}
        for number, values in past.items():
            (self.directory / f"past-{number}.jsonl").write_bytes(b"\n".join(values))
        arguments += ["--warm-up", str(self.directory / "past-{partition}.jsonl")]
        slow = self.directory / "slow"
        fork_server = ForkServer(self.directory, {SLOW: str(slow), "MLFLOW_TRACKING_URI": registry.tracking})
        stack.enter_context(fork_server)
        fleet = Fleet(fork_server, arguments, [direct, through_proxies], self.directory, slow, self.options)
        for name in NAMES[: self.workers]:
            fleet.add(name)
        output_gaps = stack.enter_context(OutputGaps(direct, TOPICS[1], self.partitions))
        stack.enter_context(traffic)
        arena = Arena(
            server=server,
            proxies=proxies,
            fleet=fleet,
            traffic=traffic,
            output_gaps=output_gaps,
            registry=registry,
            group_client=stack.enter_context(GroupClient(direct, GROUP)),
            group=GROUP,
            partitions=self.partitions,
            past=past,
            fork_server=fork_server,
        )
        return arena, direct
