"""Read-only inspection of topics and permissions, for the preflight."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from functools import partial
from typing import NamedTuple

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource

from makiserve.kafka.connection import Connection
from makiserve.kafka.error_codes import MISSING
from makiserve.kafka.errors import error_from_kafka, retry, to_error
from makiserve.kafka.message import Message
from makiserve.kafka.offset_range import RangeReader

CALL_S = 10.0
DENIED = {"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"}


class Topic(NamedTuple):
    """A topic as the brokers describe it.

    Attributes:
        partitions: the number of partitions.
        replicas: the number of replicas of the partition that has fewest.
        settings: by their Kafka names; empty if they may not be read.
        operations: what the principal may do: READ, WRITE and so on.
    """

    name: str
    partitions: int
    replicas: int
    settings: dict[str, str]
    operations: frozenset[str]

    def number(self, setting: str) -> int | None:
        """Return a setting that is a number; None if it is not known."""
        text = self.settings.get(setting)
        return None if text is None else int(text)


class TopicInspector:
    """A client that describes topics and permissions. Its methods return an answer or raise a makiserve error."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with to_error("The Kafka properties"):
            self._admin = AdminClient(connection.admin_settings())

    def topic(self, name: str) -> Topic | None:
        """Return a topic; None if it does not exist or the principal may not see it."""
        return retry(partial(self._topic, name), self._connection.broker.startup_timeout)

    def group_operations(self, group: str) -> frozenset[str]:
        """Return what the principal may do with a group; an empty set if it may not see the group."""
        return retry(partial(self._group_operations, group), self._connection.broker.startup_timeout)

    def cluster_operations(self) -> frozenset[str]:
        """Return what the principal may do with the whole cluster."""
        with to_error("Describing the cluster"):
            answer = self._admin.describe_cluster(include_authorized_operations=True, request_timeout=CALL_S)
            return _names(answer.result().authorized_operations)

    def tail(self, topic: Topic, count: int) -> list[Message]:
        """Return the last committed records of each partition, at most about `count` of each, in order of partition."""
        messages: list[Message] = []
        now = datetime.now(timezone.utc)
        with RangeReader(self._connection) as reader:
            for number in range(topic.partitions):
                span = reader.offset_range(topic.name, number, "earliest", "latest", now)
                for block in reader.read_input(span._replace(start=max(span.start, span.end - count))):
                    messages += block
        return messages

    def _topic(self, name: str) -> Topic | None:
        try:
            answers = self._admin.describe_topics(
                TopicCollection([name]), include_authorized_operations=True, request_timeout=CALL_S
            )
            description = answers[name].result()
        except KafkaException as error:
            if error.args[0].name() in DENIED or error.args[0].code() in MISSING:
                return None
            raise error_from_kafka(error.args[0], f"Describing topic {name}") from error
        replicas = min(len(partition.replicas) for partition in description.partitions)
        return Topic(
            name, len(description.partitions), replicas, self._settings(name), _names(description.authorized_operations)
        )

    def _group_operations(self, group: str) -> frozenset[str]:
        try:
            answers = self._admin.describe_consumer_groups(
                [group], include_authorized_operations=True, request_timeout=CALL_S
            )
            return _names(answers[group].result().authorized_operations)
        except KafkaException as error:
            if error.args[0].name() in DENIED:
                return frozenset()
            raise error_from_kafka(error.args[0], f"Describing group {group}") from error

    def _settings(self, topic: str) -> dict[str, str]:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        try:
            settings = self._admin.describe_configs([resource], request_timeout=CALL_S)[resource].result()
        except KafkaException as error:
            if error.args[0].name() in DENIED:
                return {}
            raise error_from_kafka(error.args[0], f"Asking for the settings of {topic}") from error
        return {name: entry.value for name, entry in settings.items()}


def _names(operations: Iterable[AclOperation] | None) -> frozenset[str]:
    return frozenset(operation.name for operation in operations or ())
