"""Topics for a test."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic


def create_topic(admin: AdminClient, name: str, partitions: int = 1, **config: str) -> None:
    """Create a topic and wait until every partition has a leader.

    Args:
        admin: a client of the cluster.
        name: the topic.
        partitions: the number of its partitions.
        config: its settings, with underscores instead of dots: `cleanup_policy="compact"`.
    """
    settings = {key.replace("_", "."): value for key, value in config.items()}
    admin.create_topics([NewTopic(name, partitions, config=settings)])[name].result()
    while not _has_leaders(admin, name, partitions):  # the controller has answered, but the brokers may not know yet
        time.sleep(0.01)


def _has_leaders(admin: AdminClient, name: str, partitions: int) -> bool:
    known = admin.list_topics(name, timeout=10).topics[name].partitions
    return len(known) == partitions and all(partition.leader >= 0 for partition in known.values())


def wait_until_settled(servers: str, topic: str, partition: int = 0, timeout: float = 30) -> None:
    """Wait until no transaction is open on a partition, so that everything committed is visible.

    A producer's commit returns when the coordinator has decided. The markers that make it visible are written later.

    Raises:
        TimeoutError: a transaction is still open after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    levels = ("read_committed", "read_uncommitted")
    readers = [
        Consumer({"bootstrap.servers": servers, "group.id": "ends", "isolation.level": level}) for level in levels
    ]
    while len({reader.get_watermark_offsets(TopicPartition(topic, partition), 10) for reader in readers}) > 1:
        if time.monotonic() > deadline:
            raise TimeoutError(f"a transaction on {topic}[{partition}] has been open for {timeout} s")
        time.sleep(0.01)
    for reader in readers:
        reader.close()
