"""Everything that faults are done to, and who is not hurt yet."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from makiserve.testing.broker import KafkaServer
from makiserve.testing.broker.node import BrokerNode
from tests.chaos.fleet import Fleet, Worker
from tests.chaos.group import GroupClient
from tests.chaos.model import Registry
from tests.chaos.network import Proxy
from tests.chaos.nursery import Nursery
from tests.chaos.oracle import topic_ends
from tests.chaos.silence import Silence
from tests.chaos.traffic import Traffic

T = TypeVar("T")

PATIENCE_S = 900
STARTS = 3
"""A worker that is started twice and restores its partitions is waited for as long as so many starts of the service."""


class NobodyLeft(Exception):
    """Whoever the fault could be done to suffers from another one already."""


@dataclass
class Arena:
    """A cluster, the proxies before it, the service, its input and its model.

    Attributes:
        past: values of the records that warm each partition up.
        patience_s: how long to wait for something that may need a worker to start.
    """

    server: KafkaServer
    proxies: list[Proxy]
    fleet: Fleet
    traffic: Traffic
    silence: Silence
    registry: Registry
    described: GroupClient
    group: str
    partitions: int
    past: dict[int, list[bytes]]
    nursery: Nursery
    patience_s: float = PATIENCE_S
    _hurt: list[object] = field(default_factory=list)

    def started_in(self, seconds: float) -> None:
        """Wait for workers in proportion to their first start, which takes minutes on a machine with other work."""
        self.patience_s = max(PATIENCE_S, STARTS * seconds)

    def worker(self, chance: random.Random) -> Worker:
        """One that no other fault has this round."""
        return self._choose([worker for worker in self.fleet.workers if worker.is_running], chance)

    def node(self, chance: random.Random) -> BrokerNode:
        """One that no other fault has this round."""
        return self._choose([node for node in self.server.nodes if node.pid is not None], chance)

    def all_workers(self) -> list[Worker]:
        """All, if no other fault has one of them."""
        workers = list(self.fleet.workers)
        if any(worker is hurt for worker in workers for hurt in self._hurt):
            raise NobodyLeft
        self._hurt += workers
        return workers

    def owners(self) -> dict[str, list[int]]:
        """Return the partitions of each member of the group; empty in a rebalance."""
        return self.described.owners()

    def wait_until_owned(self) -> None:
        """Wait until every partition has an owner, and every worker that runs has some."""

        def is_owned() -> bool:
            shares = [len(owned) for owned in self.owners().values() if owned]
            running = sum(worker.is_running for worker in self.fleet.workers)  # one that is fenced ends by itself
            return sum(shares) == self.partitions and len(shares) == running

        self.wait_until(is_owned, "there are partitions without an owner")

    def wait_until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Wait for a condition.

        Raises:
            AssertionError: it does not become true in time; `otherwise` is the message.
        """
        deadline = time.monotonic() + self.patience_s
        while not condition():
            assert time.monotonic() < deadline, f"{otherwise}; owners: {self.owners()}"
            time.sleep(0.2)

    def state_end(self) -> int:
        """Return the number of records that were ever written to the state topic."""
        return sum(topic_ends(self.server.bootstrap_servers, f"{self.group}.state", self.partitions))

    def heal(self) -> None:
        """All faults of the round are over."""
        self._hurt.clear()

    def _choose(self, candidates: list[T], chance: random.Random) -> T:
        free = [candidate for candidate in candidates if not any(candidate is hurt for hurt in self._hurt)]
        if not free:
            raise NobodyLeft
        chosen = chance.choice(free)
        self._hurt.append(chosen)
        return chosen
