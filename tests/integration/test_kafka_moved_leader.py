"""After a broker had been away, partitions that it had led were not restored for as long as the worker lived."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from makiserve.kafka import Connection, OffsetsClient, Watermarks, retry
from makiserve.settings import BrokerSettings
from makiserve.testing.broker import KafkaDistribution, KafkaServer, create_topic

CALL = timedelta(seconds=2)
TIMEOUT = timedelta(seconds=30)


def leaders(servers: str) -> list[int]:
    """Return the leaders of the topic from a new client: a connection to the frozen broker would block."""
    with suppress(KafkaException):
        admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        return [partition.leader for partition in admin.list_topics("in", timeout=5).topics["in"].partitions.values()]
    return [3]


def contents(lookup: OffsetsClient, number: int) -> list[list[tuple[bytes, bytes | None]]]:
    return list(lookup.contents("in", number, CALL, bool))


@pytest.mark.slow
def test_end_offsets_are_found_after_a_broker_was_frozen(distribution: KafkaDistribution, tmp_path: Path) -> None:
    with KafkaServer(distribution, tmp_path, nodes=3) as server:
        admin = AdminClient({"bootstrap.servers": server.nodes[0].address.servers, "log_level": 0})
        create_topic(admin, "in", 3)
        lookup = OffsetsClient(Connection(BrokerSettings(server.bootstrap_servers, "group")), "in")
        for number in range(3):  # a broker may not know yet that it leads a new partition
            assert retry(partial(lookup.watermarks, number, CALL), TIMEOUT) == Watermarks(0, 0)
        server.nodes[2].signal(signal.SIGSTOP)
        deadline = time.monotonic() + 60
        while 3 in leaders(server.nodes[0].address.servers):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        server.nodes[2].signal(signal.SIGCONT)
        for number in range(3):
            assert retry(partial(lookup.watermarks, number, CALL), TIMEOUT) == Watermarks(0, 0)
            assert retry(partial(contents, lookup, number), TIMEOUT) == []
        lookup.close()
