"""The system under test, and which parts of it a fault already affects."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from makiserve.testing.broker import KafkaServer
from makiserve.testing.broker.node import BrokerNode
from tests.chaos.fleet import Fleet, Worker
from tests.chaos.fork_server import ForkServer
from tests.chaos.group import GroupClient
from tests.chaos.model import Registry
from tests.chaos.network import Proxy
from tests.chaos.oracle import topic_ends
from tests.chaos.output_gaps import OutputGaps
from tests.chaos.traffic import Traffic

T = TypeVar("T")

WORKER_TIMEOUT_S = 900
STARTS = 3
"""A worker that starts twice and restores its partitions may take as long as this many starts of the service."""


class NoTargetLeft(Exception):
    """Other faults of the round already affect every possible target."""


@dataclass
class Arena:
    """A cluster, the proxies before it, the service, its input and its model.

    Attributes:
        past: values of the records that warm up each partition.
        timeout_s: how long to wait for something that may need a worker to start.
    """

    server: KafkaServer
    proxies: list[Proxy]
    fleet: Fleet
    traffic: Traffic
    output_gaps: OutputGaps
    registry: Registry
    group_client: GroupClient
    group: str
    partitions: int
    past: dict[int, list[bytes]]
    fork_server: ForkServer
    timeout_s: float = WORKER_TIMEOUT_S
    _affected: list[object] = field(default_factory=list)

    def started_in(self, seconds: float) -> None:
        """Wait for workers in proportion to their first start, which takes minutes on a machine with other work."""
        self.timeout_s = max(WORKER_TIMEOUT_S, STARTS * seconds)

    def worker(self, rng: random.Random) -> Worker:
        """Choose a running worker that no other fault of this round affects."""
        return self._choose([worker for worker in self.fleet.workers if worker.is_running], rng)

    def node(self, rng: random.Random) -> BrokerNode:
        """Choose a running broker that no other fault of this round affects."""
        return self._choose([node for node in self.server.nodes if node.pid is not None], rng)

    def all_workers(self) -> list[Worker]:
        """Return all workers.

        Raises:
            NoTargetLeft: another fault of this round affects one of them.
        """
        workers = list(self.fleet.workers)
        if any(worker is affected for worker in workers for affected in self._affected):
            raise NoTargetLeft
        self._affected += workers
        return workers

    def owners(self) -> dict[str, list[int]]:
        """Return the partitions of each member of the group; empty in a rebalance."""
        return self.group_client.owners()

    def wait_until_owned(self) -> None:
        """Wait until every partition has an owner, and every worker that runs has some."""

        def is_owned() -> bool:
            shares = [len(owned) for owned in self.owners().values() if owned]
            running = sum(worker.is_running for worker in self.fleet.workers)  # a worker that is fenced exits
            return sum(shares) == self.partitions and len(shares) == running

        self.wait_until(is_owned, "there are partitions without an owner")

    def wait_until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Wait for a condition.

        Raises:
            AssertionError: it does not become true in time; `otherwise` is the message.
        """
        deadline = time.monotonic() + self.timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"{otherwise}; owners: {self.owners()}"
            time.sleep(0.2)

    def state_end(self) -> int:
        """Return the number of records that were ever written to the state topic."""
        return sum(topic_ends(self.server.bootstrap_servers, f"{self.group}.state", self.partitions))

    def clear_affected(self) -> None:
        """Forget which parts the faults of the round affected."""
        self._affected.clear()

    def _choose(self, candidates: list[T], rng: random.Random) -> T:
        free = [candidate for candidate in candidates if not any(candidate is affected for affected in self._affected)]
        if not free:
            raise NoTargetLeft
        chosen = rng.choice(free)
        self._affected.append(chosen)
        return chosen
