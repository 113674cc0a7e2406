"""A Kafka cluster of one or more nodes on this machine."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import random
import socket
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from makiserve.errors import BrokerUnavailable
from makiserve.testing.broker.jars import KafkaDistribution, cache, fetch
from makiserve.testing.broker.node import BrokerNode, NodeAddress


class KafkaServer:
    """A KRaft cluster whose nodes can each be stopped, killed and started again.

    As a context manager, it is started on entry and killed on exit, because its directory is a temporary one.

    Args:
        distribution: the installed Kafka, as returned by `install`.
        directory: the folder for data and logs: `node-1/server.log` and so on. It must be empty.
        nodes: 1, or 3 for a cluster that survives the loss of one.
        proxies: for each node, the port of a proxy that leads to the node's `address.detour`. Clients that connect
            through a proxy are sent to proxies only.
        more: further settings of every node.
        port: the port of the first node; None for a free one.
    """

    def __init__(
        self,
        distribution: KafkaDistribution,
        directory: Path,
        nodes: int = 1,
        proxies: Sequence[int] = (),
        more: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        first, *others = free_ports(3 * nodes)
        ports = [port or first, *others]
        proxied = [*proxies, *[None] * nodes]
        addresses = list(map(NodeAddress, ports[::3], ports[1::3], ports[2::3], proxied))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.nodes = [
            BrokerNode(number, addresses, distribution, directory / f"node-{number}", cluster, more or {})
            for number in range(1, nodes + 1)
        ]

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all nodes, including those that are down."""
        return ",".join(node.address.servers for node in self.nodes)

    def start(self, *jvm: str) -> None:
        """Start every node that is not running, and wait until the cluster answers."""
        for node in self.nodes:
            if node.pid is None:
                node.start(*jvm)
        self.wait_until_ready()

    def wait_until_ready(self, timeout: float = 60) -> None:
        """Wait until each running node reports as many brokers as are running.

        Raises:
            BrokerUnavailable: a node has ended, or `timeout` seconds are over; it contains the ends of the logs.
        """
        running = [node for node in self.nodes if node.pid]
        deadline = time.monotonic() + timeout
        for node in running:
            # One by one, because a node that was killed is on the others' list until its session expires.
            # By default, librdkafka waits up to ten seconds between attempts, and prints each refused connection.
            admin = AdminClient(
                {"bootstrap.servers": node.address.servers, "reconnect.backoff.max.ms": 100, "log_level": 0}
            )
            while not _sees(admin, len(running)):
                if time.monotonic() > deadline or not all(broker.pid for broker in running):
                    tails = "\n\n".join(f"{broker.log}:\n{broker.tail()}" for broker in running)
                    raise BrokerUnavailable(f"Kafka exited, or was not ready within {timeout:.0f} s.\n{tails}")
                time.sleep(0.05)

    def stop(self, timeout: float = 15) -> None:
        """Shut all nodes down in order; `start` continues from their directories."""
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            node.join(timeout)  # the last of three has no quorum left to sign off from

    def kill(self) -> None:
        """Kill all nodes with SIGKILL; `start` continues from their directories."""
        for node in self.nodes:
            node.kill()

    def __enter__(self) -> KafkaServer:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def install() -> KafkaDistribution:
    """Return the Kafka of pom.xml; install it at the first call. Another process meanwhile waits.

    Raises:
        CannotInstall: Java or Maven is missing, or failed.
    """
    distribution = KafkaDistribution.cached()
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not distribution.complete.exists():
            fetch(distribution)
            _archive_classes(distribution)
            distribution.complete.touch()
    return distribution


def _archive_classes(distribution: KafkaDistribution) -> None:
    """Run a broker once. When it ends, the JVM archives the classes that it had loaded."""
    with tempfile.TemporaryDirectory(prefix="kafka-") as directory:
        server = KafkaServer(distribution, Path(directory))
        try:
            server.start(f"-XX:ArchiveClassesAtExit={distribution.classes}")
            server.stop(timeout=120)  # writing the archive takes a slow machine more than the usual time
        finally:
            server.kill()


def _sees(admin: AdminClient, nodes: int) -> bool:
    try:
        return len(admin.describe_cluster(request_timeout=1).result().nodes) >= nodes
    except KafkaException:
        return False


def free_ports(count: int) -> list[int]:
    """Return ports outside the ephemeral range: no client's connection takes one between a kill and a restart."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(20000, 30000)
            candidate = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                candidate.bind(("127.0.0.1", port))
                ports.append(port)
        return ports
