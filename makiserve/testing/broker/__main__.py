"""`python -m makiserve.testing.broker`: a real Kafka until Ctrl-C, with its address on stdout."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka.admin import AdminClient

from makiserve.errors import MakiserveError
from makiserve.testing.broker.jars import KafkaDistribution
from makiserve.testing.broker.kafka import KafkaServer, install
from makiserve.testing.broker.topic_creation import create_topic


def topic(text: str) -> tuple[str, int]:
    """Return name and number of partitions of a topic written as `house` or `house:4`.

    Raises:
        ValueError: the number is not a positive number.
    """
    name, _, count = text.partition(":")
    partitions = int(count or 1)
    if not name or partitions < 1:
        raise ValueError(text)
    return name, partitions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a cluster until SIGINT or SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m makiserve.testing.broker",
        description="Start a Kafka on this machine and print its bootstrap servers. Ctrl-C stops it and deletes its "
        "data. The first start downloads Kafka from Maven Central; Java 17 and Maven must be installed.",
    )
    parser.add_argument("topics", nargs="*", type=topic, metavar="TOPIC[:PARTITIONS]", help="topics to create")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="number of brokers (default: 1)")
    parser.add_argument("--port", type=int, help="the port of the first broker (default: a free one)")
    options = parser.parse_args(arguments)
    if options.port and not is_free(options.port):
        parser.error(f"argument --port: port {options.port} is in use: stop the process that has it, or choose another")
    if not KafkaDistribution.cached().complete.exists():
        print("downloading Kafka; this takes a few minutes, once", file=sys.stderr)
    try:
        _serve(options.nodes, options.topics, options.port)
    except MakiserveError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def is_free(port: int) -> bool:
    """Return whether no process of this machine listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _serve(nodes: int, topics: Sequence[tuple[str, int]], port: int | None) -> None:
    stop_signals = {signal.SIGINT, signal.SIGTERM}
    with (
        tempfile.TemporaryDirectory(prefix="kafka-") as directory,
        KafkaServer(install(), Path(directory), nodes=nodes, port=port) as server,
    ):
        signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
        admin = AdminClient({"bootstrap.servers": server.bootstrap_servers})
        for name, partitions in topics:
            create_topic(admin, name, partitions)
        print(server.bootstrap_servers, flush=True)
        signal.sigwait(stop_signals)


if __name__ == "__main__":
    sys.exit(main())
