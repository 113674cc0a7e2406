"""The consumer group and its topics, as the brokers see them now: owners, offsets, ends, topic ids.

This uses separate clients from one thread. A look at a group takes two requests to its coordinator, for members
and offsets, and one request to each partition leader. A look at topics takes one request.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from confluent_kafka import (
    ConsumerGroupState,
    IsolationLevel,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from makiserve.kafka.committed_offsets import CommittedOffsets
from makiserve.kafka.connection import Connection
from makiserve.kafka.error_codes import MISSING
from makiserve.kafka.errors import error_from_kafka, to_error

CALL_S = 5.0


class Member(NamedTuple):
    """A member of the group, and the partitions of the input that it owns."""

    id: str
    partitions: frozenset[int]


class GroupView(NamedTuple):
    """A group at one moment.

    Attributes:
        is_stable: whether no rebalance is under way, and there are members.
        members: all of them.
        committed: the committed offset of each partition that has one.
        ends: for each partition, one after the last record that a read_committed reader may see.
    """

    is_stable: bool
    members: tuple[Member, ...]
    committed: Mapping[int, int]
    ends: Mapping[int, int]

    @property
    def unowned(self) -> frozenset[int]:
        """The partitions that no member owns."""
        return frozenset(self.ends) - frozenset().union(*(member.partitions for member in self.members))

    def lag(self, partition: int) -> int | None:
        """Return the number of uncommitted records; None if nothing was ever committed."""
        committed = self.committed.get(partition)
        return None if committed is None else max(0, self.ends[partition] - committed)


class TopicState(NamedTuple):
    """The identity of a topic, which shows whether it was deleted and created again.

    Attributes:
        id: assigned by the broker at creation. A new topic of the same name gets a new id.
        partitions: the number of partitions.
    """

    id: str
    partitions: int


class GroupInspector:
    """A client that describes one group and the topics of its service."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic

    @cached_property
    def _admin(self) -> AdminClient:
        with to_error("The Kafka properties"):
            return AdminClient(self._connection.admin_settings())

    @cached_property
    def _offsets(self) -> CommittedOffsets:
        return CommittedOffsets(self._connection)

    def topics(self, names: Collection[str]) -> dict[str, TopicState]:
        """Return the topics that exist and that the principal may see.

        Raises:
            RetryCall: there was no answer.
        """
        states = {}
        answers = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=CALL_S)
        for name, answer in answers.items():
            try:
                topic = answer.result()
            except KafkaException as error:
                if error.args[0].code() not in MISSING:
                    raise error_from_kafka(error.args[0], f"Describing topic {name}") from error
            else:
                states[name] = TopicState(str(topic.topic_id), len(topic.partitions))
        return states

    def group(self, partitions: int) -> GroupView:
        """Return the group's members and offsets, and the ends of the input.

        Args:
            partitions: the number of partitions of the input.

        Raises:
            RetryCall: there was no answer.
            ConfigurationError: the principal may not describe the group.
        """
        name = self._connection.broker.group
        places = [TopicPartition(self._topic, number) for number in range(partitions)]
        with to_error(f"Describing group {name}"):
            group = self._admin.describe_consumer_groups([name], request_timeout=CALL_S)[name].result()
        offsets = self._offsets.read([(self._topic, number) for number in range(partitions)], timedelta(seconds=CALL_S))
        with to_error(f"Reading the ends of {self._topic}"):
            ends = self._admin.list_offsets(
                {place: OffsetSpec.latest() for place in places},  # type: ignore[no-untyped-call]
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=CALL_S,
            )
            return GroupView(
                is_stable=group.state is ConsumerGroupState.STABLE,
                members=tuple(self._member(member) for member in group.members),
                committed={number: offset for (_, number), offset in offsets.items()},
                ends={place.partition: int(answer.result().offset) for place, answer in ends.items()},
            )

    def _member(self, member: object) -> Member:
        owned = member.assignment.topic_partitions if member.assignment else []  # type: ignore[attr-defined]
        numbers = frozenset(place.partition for place in owned if place.topic == self._topic)
        return Member(str(member.member_id), numbers)  # type: ignore[attr-defined]
