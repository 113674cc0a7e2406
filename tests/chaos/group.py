"""The consumer group, described from a separate process.

librdkafka's admin client aborts its process if the connection to the coordinator is lost at the wrong moment while it
describes a group (its issue 4605, open in 2.16). A campaign must not end with it.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing import get_context

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient


class GroupClient:
    """Describes one group. Its process ends with the context."""

    def __init__(self, servers: str, group: str) -> None:
        self._servers, self._group = servers, group
        self._pool = _start()

    def owners(self) -> dict[str, list[int]]:
        """Return the partitions of each member, by its name, or its id if it has none; empty in a rebalance."""
        try:
            return self._pool.submit(_owners, self._servers, self._group).result()
        except BrokenProcessPool:
            self._pool = _start()
            return {}

    def __enter__(self) -> GroupClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


def _start() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"))


@lru_cache
def _client(servers: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": servers, "log_level": 0})


def _owners(servers: str, group: str) -> dict[str, list[int]]:
    try:
        description = _client(servers).describe_consumer_groups([group])[group].result()
    except KafkaException:  # the coordinator is not known yet
        return {}
    if description.state is not ConsumerGroupState.STABLE:
        return {}
    return {
        member.group_instance_id or member.member_id: [at.partition for at in member.assignment.topic_partitions]
        for member in description.members
    }
