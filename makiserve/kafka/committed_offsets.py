"""The committed offsets of a group, read without joining it.

A consumer reads them. The admin client's call ends the process with a segmentation fault if the broker that it asks is
not the coordinator of the group any more, or not yet (librdkafka issue 5040). Decision 0175.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from makiserve.kafka.connection import Connection
from makiserve.kafka.errors import to_error

MAX_PARTITIONS = 10_000
"""The maximum number of partitions per request."""


class CommittedOffsets:
    """A client that reads the committed offsets of one group. As a context manager it closes with the block."""

    def __init__(self, connection: Connection) -> None:
        self._group = connection.broker.group
        with to_error("The properties of the client that reads committed offsets"):
            self._consumer = Consumer(connection.offsets_settings())

    def read(self, places: Sequence[tuple[str, int]], timeout: timedelta) -> dict[tuple[str, int], int]:
        """Return the committed offset of each topic and partition that has one and that the principal may see.

        Raises:
            RetryCall: there was no answer.
            ConfigurationError: the principal may not read the offsets of the group.
        """
        offsets: dict[tuple[str, int], int] = {}
        for first in range(0, len(places), MAX_PARTITIONS):
            partitions = [TopicPartition(topic, number) for topic, number in places[first : first + MAX_PARTITIONS]]
            with to_error(f"Reading the committed offsets of group {self._group}"):
                answers = self._answers(partitions, timeout)
            offsets |= {
                (partition.topic, partition.partition): partition.offset
                for partition in answers
                if partition.offset >= 0
            }
        return offsets

    def _answers(self, partitions: list[TopicPartition], timeout: timedelta) -> list[TopicPartition]:
        try:
            return self._consumer.committed(partitions, timeout.total_seconds())
        except KafkaException as timed_out:
            # Without the permission the client finds no coordinator, and only reports why among its events.
            while (event := self._consumer.poll(0)) is not None:
                error = event.error()
                if error is not None and error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                    raise KafkaException(error) from timed_out
            raise

    def __enter__(self) -> CommittedOffsets:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
