"""One Kafka process: its settings, its directory, its start and end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from makiserve.testing.broker.jars import KafkaDistribution

# Kills the broker when its parent ends, even by kill -9: the pipe on its stdin is closed then.
# PR_SET_PDEATHSIG would already act when the *thread* that started the broker ends.
WATCHDOG = ("sh", "-c", 'read -r _; kill -9 "$1"', "watchdog")

LISTENERS = ("listeners", "advertised.listeners", "listener.security.protocol.map")


class NodeAddress(NamedTuple):
    """The ports of a node on 127.0.0.1.

    Attributes:
        client: for clients.
        controller: for the controllers of the other nodes.
        detour: for the proxy; None without a proxy.
        proxy: the port of the proxy itself, which its clients are sent to.
    """

    client: int
    controller: int
    detour: int | None = None
    proxy: int | None = None

    @property
    def servers(self) -> str:
        """The address, as `bootstrap.servers` takes it."""
        return f"127.0.0.1:{self.client}"


class BrokerNode:
    """A broker and controller that can be stopped, killed, and started again on the same directory.

    Args:
        number: node.id, from 1.
        addresses: the addresses of all nodes, in the order of their numbers.
        more: further settings. Listeners are added to those of this file.
    """

    def __init__(
        self,
        number: int,
        addresses: list[NodeAddress],
        distribution: KafkaDistribution,
        directory: Path,
        cluster: str,
        more: Mapping[str, str],
    ) -> None:
        self.number = number
        self.address = addresses[number - 1]
        self.log = directory / "server.log"
        self._distribution = distribution
        self._properties = directory / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        data = directory / "data"
        data.mkdir(parents=True)
        (data / "meta.properties").write_text(f"version=1\ncluster.id={cluster}\nnode.id={number}\n")
        (data / distribution.bootstrap.name).write_bytes(distribution.bootstrap.read_bytes())
        settings = _settings(number, addresses) | {"log.dirs": str(data)}
        settings |= {key: f"{settings[key]},{value}" if key in LISTENERS else value for key, value in more.items()}
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))

    @property
    def pid(self) -> int | None:
        """The process id; None if it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, *jvm: str) -> None:
        """Start the process. It answers about a second later."""
        if self.pid is not None:
            raise RuntimeError(f"node {self.number} is running")
        jvm = jvm or (f"-XX:SharedArchiveFile={self._distribution.classes}", "-Xshare:auto")
        command = self._distribution.java("kafka.Kafka", str(self._properties), jvm=jvm)
        # In separate sessions, so that Ctrl-C reaches only the parent, which then ends them in its own order.
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watchdog = subprocess.Popen(
            [*WATCHDOG, str(self._process.pid)], stdin=subprocess.PIPE, start_new_session=True
        )

    def terminate(self) -> None:
        """Request a controlled shutdown, without waiting for it."""
        if self._process:
            self._process.terminate()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal. After SIGSTOP, for example, it runs and does not answer."""
        if self._process:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Crash it: SIGKILL, without flushing or signing off."""
        if self._process:
            self._process.kill()
        self.join(timeout=30)

    def join(self, timeout: float) -> None:
        """Wait until the process ends; kill it after `timeout` seconds."""
        if self._process is None or self._watchdog is None:
            return
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._watchdog.kill()
        self._watchdog.communicate()
        self._process = self._watchdog = None

    def tail(self, lines: int = 30) -> str:
        """Return the end of the node's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _settings(number: int, addresses: list[NodeAddress]) -> dict[str, str]:
    here, copies = addresses[number - 1], str(min(3, len(addresses)))
    in_sync = "2" if len(addresses) >= 3 else "1"
    detour = f",DETOUR://127.0.0.1:{here.detour}" if here.proxy else ""
    proxy = f",DETOUR://127.0.0.1:{here.proxy}" if here.proxy else ""
    voters = ",".join(f"{i}@127.0.0.1:{address.controller}" for i, address in enumerate(addresses, start=1))
    return {
        "process.roles": "broker,controller",
        "node.id": str(number),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://127.0.0.1:{here.client},CONTROLLER://127.0.0.1:{here.controller}{detour}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{here.client}{proxy}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DETOUR:PLAINTEXT",
        # With one of three nodes down, writes continue. With two down they stop, and nothing acknowledged is lost.
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "unclean.leader.election.enable": "false",
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        # Small and quick: tests wait for timeouts, and share a small machine.
        "auto.create.topics.enable": "false",
        "log.retention.ms": "-1",  # records of tests are years old, and retention counts from their own timestamps
        "offsets.topic.num.partitions": "3",
        "transaction.state.log.num.partitions": "3",
        "share.coordinator.state.topic.num.partitions": "3",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "metadata.max.idle.interval.ms": "10000",  # a record each half second is half of the CPU of an idle broker
        "replica.lag.time.max.ms": "5000",
        "log.cleaner.dedupe.buffer.size": "2097152",  # the default of 128 MB overruns the heap
    }
