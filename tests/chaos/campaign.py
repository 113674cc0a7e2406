"""A campaign: a cluster, a service and its traffic, rounds of faults, and the whole oracle at the end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import AdminClient

from makiserve.testing.broker import KafkaServer, create_topic, install
from tests.chaos.arena import Arena
from tests.chaos.fleet import OPTIONS, Fleet
from tests.chaos.group import GroupClient
from tests.chaos.model import SLOW, Registry, log_forest
from tests.chaos.network import Proxy
from tests.chaos.nursery import Nursery
from tests.chaos.oracle import verify
from tests.chaos.report import Report
from tests.chaos.rounds import Referee
from tests.chaos.silence import Silence
from tests.chaos.traffic import KEYS, STEP_S, Traffic

TOPICS = ("events", "scores", "scores.dead-letters")
GROUP = "chaos"
PAST = 200
"""Number of records that warm each partition up."""

NAMES = ("a", "b", "", "c")
"""Of the workers. Every second one comes by the proxies."""


@dataclass(frozen=True)
class Campaign:
    """What is to be played.

    Attributes:
        directory: for everything: brokers, model, logs, report. It must be empty.
        rate: records per second and partition.
        only: the names of the faults to choose from; none for all.
        step_s: from one burst of records to the next.
        options: of librdkafka, for the workers.
        brokers: further settings of every broker.
        keys: of a pipeline without a state of the lane, in all partitions; 0 for the one with such a state.
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

    def play(self) -> bool:
        """Play all rounds; whether the service kept its promises."""
        self.directory.mkdir(parents=True, exist_ok=True)
        report = Report(self.directory)
        is_watching = not self.only or "move_alias" in self.only
        log_forest(self.directory / "mlflow", versions=2 if is_watching else 1, is_keyed=bool(self.keys))
        registry = Registry(self.directory / "mlflow")
        with ExitStack() as stack:
            arena, direct = self._open(stack, registry, is_watching=is_watching)
            referee = Referee(arena, direct, GROUP, TOPICS, self.partitions, list(self.only))
            stack.callback(referee.close)
            referee.warm_up()
            if self.keys:
                arena.traffic.burst(self.keys // self.partitions)
            for number in range(1, self.rounds + 1):
                report.add(referee.play(number, self.seed))
            verdict = verify(
                direct,
                registry.paths,
                GROUP,
                TOPICS,
                self.partitions,
                self.directory / "replay",
                arena.nursery.call,
                arena.past,
            )
            for worker in list(arena.fleet.workers):
                arena.fleet.remove(worker)
            return report.end(verdict, arena.fleet.unexpected())

    def _open(self, stack: ExitStack, registry: Registry, *, is_watching: bool) -> tuple[Arena, str]:
        """The arena, and the brokers' addresses that no proxy stands at."""
        proxies = [stack.enter_context(Proxy()) for _ in range(self.nodes)]
        ports = [proxy.port for proxy in proxies]
        server = KafkaServer(install(), self.directory / "brokers", self.nodes, ports, self.brokers)
        for proxy, node in zip(proxies, server.nodes, strict=True):
            proxy.target = node.address.detour or 0
        stack.enter_context(server)
        direct = server.bootstrap_servers
        by_proxy = ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies)
        admin = AdminClient({"bootstrap.servers": direct, "log_level": 0})
        for topic in TOPICS:
            create_topic(admin, topic, self.partitions)
        # A path asks no tracking server: workers start sooner where nothing moves.
        what = ["--model", registry.uri, "--watch", "500ms"] if is_watching else ["--model", registry.paths["1"]]
        arguments = [*what, "--input", TOPICS[0], "--output", TOPICS[1], "--group", GROUP]
        keys = self.keys // self.partitions or KEYS
        traffic = Traffic(direct, TOPICS[0], self.partitions, self.rate, self.seed, self.step_s, keys)
        past = {number: sender.past(PAST) for number, sender in enumerate(traffic.senders)}
        for number, values in past.items():
            (self.directory / f"past-{number}.jsonl").write_bytes(b"\n".join(values))
        arguments += ["--warm-up", str(self.directory / "past-{partition}.jsonl")]
        slow = self.directory / "slow"
        nursery = Nursery(self.directory, {SLOW: str(slow), "MLFLOW_TRACKING_URI": registry.tracking})
        fleet = Fleet(stack.enter_context(nursery), arguments, [direct, by_proxy], self.directory, slow, self.options)
        for name in NAMES[: self.workers]:
            fleet.add(name)
        silence = stack.enter_context(Silence(direct, TOPICS[1], self.partitions))
        stack.enter_context(traffic)
        group = stack.enter_context(GroupClient(direct, GROUP))
        arena = Arena(server, proxies, fleet, traffic, silence, registry, group, GROUP, self.partitions, past, nursery)
        return arena, direct
