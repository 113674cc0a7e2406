"""The output: consecutive transactions of records, offsets and checkpoints that become visible together.

`serving/commit.py` maps these calls to the five steps of a commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from makiserve.errors import AbortTransaction, ConfigurationError, Fenced, MakiserveError, MessageRefused, RetryCall
from makiserve.kafka.connection import BATCH_BYTES, Connection
from makiserve.kafka.error_codes import PURGED, UNTAKEN
from makiserve.kafka.errors import error_from_kafka, retry, to_error
from makiserve.kafka.message import Headers

BY_KEY = -1
"""A value for `partition`: the key chooses the partition."""

ROOM_S = 0.1
CALL_S = 5.0
FOREVER_S = -1.0


class TransactionalProducer:
    """A transactional producer. The first record begins a transaction, so an idle worker holds none open.

    Every method raises `Fenced` if another producer has taken over the transactional id, or if the broker has aborted
    the transaction (it was open for longer than transaction.timeout.ms). Recovery then needs a new producer.

    Args:
        connection: to the brokers.
        batch_bytes: the largest batch that every topic accepts.
    """

    def __init__(self, connection: Connection, batch_bytes: int = BATCH_BYTES) -> None:
        self._failure: MakiserveError | None = None
        self._open = False
        self._id = connection.transactional_id
        with to_error("The producer's properties"):
            self._producer = Producer(connection.producer_settings(batch_bytes) | {"on_delivery": self._on_delivery})

    @property
    def is_open(self) -> bool:
        """Return whether a transaction is open."""
        return self._open

    def init(self, within: timedelta) -> None:
        """Fence a predecessor with the same transactional id, and end its open transaction. Call once, before all else.

        Raises:
            BrokerUnavailable: the call did not succeed within this time.
        """
        timeout = min(CALL_S, within.total_seconds())

        def init_once() -> None:
            with to_error(f"Initializing transactions of {self._id}"):
                self._producer.init_transactions(timeout)

        retry(init_once, within)

    def begin(self) -> None:
        """Begin a transaction if none is open. `produce` and `send_offsets` do this themselves."""
        if not self._open:
            with to_error("Beginning a transaction"):
                self._producer.begin_transaction()
            self._open = True

    def produce(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None,
        timestamp_ms: int,
    ) -> None:
        """Queue a message; wait for room if the queue is full. A `timestamp_ms` of 0 means now.

        Raises:
            MessageRefused: the topic refuses a message of this transaction.
            AbortTransaction: a record of this transaction could not be delivered. RetryCall is never raised, because a
                half-produced batch cannot be continued.
        """
        if not self._open:
            self.begin()
        while True:
            try:
                self._producer.produce(
                    topic,
                    value,
                    key,
                    partition,
                    timestamp=timestamp_ms,
                    headers=headers,  # type: ignore[arg-type]  # a list of bytes is not one of str-or-bytes
                )
            except BufferError:  # librdkafka drops undeliverable records after a timeout, so this ends
                self._serve(ROOM_S)
            except KafkaException as error:
                raise _final(error.args[0], "Producing", topic, partition) from error
            else:
                return

    def poll(self) -> None:
        """Process the delivery reports that have arrived. Call once per batch.

        Raises:
            MessageRefused: the topic refuses a message.
            AbortTransaction: a message could not be delivered.
        """
        self._serve(0.0)

    def flush(self, timeout: timedelta) -> None:
        """Wait until every message has been delivered.

        Raises:
            MessageRefused: the topic refuses a message.
            AbortTransaction: a message could not be delivered.
            RetryCall: some messages are still undelivered after `timeout`.
        """
        with to_error("Delivering records"):
            under_way = self._producer.flush(timeout.total_seconds())
        self._raise_failure()
        if under_way:
            raise RetryCall(f"{under_way} records were not acknowledged within {timeout.total_seconds():g} s")

    def send_offsets(
        self, topic: str, offsets: Mapping[int, tuple[int, str]], group_metadata: Any, timeout: timedelta
    ) -> None:
        """Add the offsets up to which the input is processed to the transaction.

        Args:
            topic: the input.
            offsets: for each partition, the offset of the next record and its metadata text of at most 4096 bytes.
            group_metadata: from `InputConsumer.group_metadata`.
            timeout: how long to wait for the coordinator of the group.

        Raises:
            RetryCall: repeat the call with the same arguments.
            AbortTransaction: the group has continued without this member.
        """
        self.begin()
        positions = [
            TopicPartition(topic, partition, offset, metadata=metadata)
            for partition, (offset, metadata) in offsets.items()
        ]
        with to_error(f"Committing the offsets of {topic}"):
            self._producer.send_offsets_to_transaction(positions, group_metadata, timeout.total_seconds())

    def commit(self, timeout: timedelta | None = None) -> None:
        """Commit the transaction, which makes it visible.

        Args:
            timeout: None waits for as long as it takes.

        Raises:
            RetryCall: the time is over and the outcome is unknown. Repeat this call, and do not abort.
            AbortTransaction: the transaction was not committed. Abort it.
        """
        with to_error("Committing the transaction"):
            self._producer.commit_transaction(_seconds(timeout))
        self._open = False

    def abort(self, timeout: timedelta | None = None) -> None:
        """Abort the transaction; do nothing if none is open.

        Raises:
            RetryCall: the time is over. Repeat this call.
        """
        if not self._open:
            return
        with to_error("Aborting the transaction"):
            self._producer.abort_transaction(_seconds(timeout))
        self._open = False
        self._failure = None

    def _serve(self, seconds: float) -> None:
        with to_error("Delivering records"):
            self._producer.poll(seconds)
        self._raise_failure()

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None or error.code() in PURGED or self._failure is not None:
            return
        self._failure = _final(error, "Delivering", str(message.topic()), message.partition())

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _final(error: KafkaError, doing: str, topic: str, partition: int | None) -> MakiserveError:
    """Return the error of a transaction after one of its messages could not be produced."""
    failure = error_from_kafka(error, f"{doing} to {topic}[{partition}]")
    if cause := UNTAKEN.get(error.code()):
        return MessageRefused(str(failure), topic=topic, cause=cause)
    return failure if isinstance(failure, (Fenced, ConfigurationError)) else AbortTransaction(str(failure))


def _seconds(timeout: timedelta | None) -> float:
    return FOREVER_S if timeout is None else timeout.total_seconds()
