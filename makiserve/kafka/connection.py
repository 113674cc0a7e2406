"""The librdkafka settings of every client, in one place."""

from __future__ import annotations

import logging
import math
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError

from makiserve.errors import ConfigurationError
from makiserve.kafka.error_codes import NO_BROKER, REFUSED
from makiserve.settings import BrokerSettings

logger = logging.getLogger(__name__)

OWN = {
    "bootstrap.servers": "use --bootstrap-servers",
    "metadata.broker.list": "use --bootstrap-servers",
    "group.id": "use --group",
    "group.instance.id": "use --instance",
    "group.protocol": "rebalances must be cooperative",
    "partition.assignment.strategy": "rebalances must be cooperative",
    "enable.auto.commit": "offsets are committed in transactions",
    "enable.auto.offset.store": "offsets are committed in transactions",
    "auto.offset.reset": "a lost position must raise an error, not be replaced",
    "isolation.level": "records of aborted transactions must not be scored",
    "transactional.id": "it is built from group and instance",
    "enable.idempotence": "transactions require it",
    "delivery.report.only.error": "failed deliveries must be reported",
    "only.error": "failed deliveries must be reported",
}
"""Properties that users may not set, each with the reason."""

CONSUMER = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",  # every position is given explicitly; one that is gone is an error
    "partition.assignment.strategy": "cooperative-sticky",
    "queued.max.messages.kbytes": 16_384,
    # A full queue pauses fetching for 1 s by default: at 2 kB a message that took 40 to 80 % of the throughput.
    "fetch.queue.backoff.ms": 20,
    # A seek waits for the fetch that is under way, 500 ms by default on an idle topic.
    "fetch.wait.max.ms": 100,
    # A member hears of a rebalance with its next heartbeat. At 3 s, the default, partitions that move wait for seconds.
    "heartbeat.interval.ms": 500,
}

READER = ("enable.auto.commit", "enable.auto.offset.store", "isolation.level", "auto.offset.reset", "fetch.wait.max.ms")
"""The consumer settings that a client without a subscription needs."""

SESSION_MS = 45_000
"""librdkafka's default session timeout."""

TRANSACTION_MS = 15_000
"""How long a crashed instance without a name blocks read_committed readers, including its successor."""

MIN_TRANSACTION_MS = 10_000
"""Below this, a transaction could time out while its checkpoint is written."""

PRODUCER = {
    "partitioner": "murmur2_random",  # Java's; librdkafka's own would scatter the keys that Java clients wrote
    "linger.ms": 5,
    "compression.type": "lz4",
    "delivery.report.only.error": True,
    "message.max.bytes": 1_000_000_000,  # a topic's own limit decides, which is compared before a message is produced
}

BATCH_BYTES = 1_000_000
"""librdkafka's default batch size."""

FRESH = {"metadata.max.age.ms": 1000}
"""Metadata age for a client that sends a request only now and then.

librdkafka caches partition leaders for 15 minutes by default, and does not look them up again when a broker answers
that it is no longer the leader. Such a client would not notice a new leader."""


REPORT_S = 60.0
"""The interval at which a persistent error is logged again."""

_reported_s: dict[int, float] = {}


class NativeLog:
    """The logger that librdkafka writes to. All of it is DEBUG: what matters comes as an error, or through `report`."""

    def log(self, level: int, message: str, *arguments: object) -> None:
        """Log a message as DEBUG, with the signature that the binding expects of a `logging.Logger`."""
        logger.debug(message, *arguments)


def report(error: KafkaError) -> None:
    """Log an error that librdkafka reports outside of any call. Either it recovers, or the next call fails."""
    if error.code() in (NO_BROKER, *REFUSED) and not _is_unreported(error.code()):
        return
    if error.code() == NO_BROKER:
        logger.warning("No broker answers: reconnecting; processing resumes from the last commit")
    elif error.code() in REFUSED:
        logger.error("The broker refused the connection: %s: %s", error.str(), REFUSED[error.code()])
    else:
        logger.debug("%s (%s)", error.str(), error.name())


def _is_unreported(code: int) -> bool:
    """Return whether no client of this process has reported this code in the last minute.

    Each client has several connections, which report the same error.
    """
    now = time.monotonic()
    is_unreported = now >= _reported_s.get(code, -math.inf) + REPORT_S
    if is_unreported:
        _reported_s[code] = now
    return is_unreported


@dataclass(frozen=True)
class Connection:
    """The settings of the clients of one worker.

    Attributes:
        broker: its `options` override the settings in this file, except those that exactly-once depends on.

    Raises:
        ConfigurationError: an option is one that exactly-once depends on.
    """

    broker: BrokerSettings
    _nonce: str = field(default_factory=lambda: uuid.uuid4().hex, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in self.broker.options:
            if name in OWN:
                raise ConfigurationError(f"The Kafka property {name} cannot be set: {OWN[name]}. Remove it.")

    @property
    def session(self) -> timedelta:
        """The time without a heartbeat after which the group gives a member's partitions to others."""
        given = self.broker.options.get("session.timeout.ms", "")  # librdkafka refuses what is not a number
        return timedelta(milliseconds=int(given) if given.isdecimal() else SESSION_MS)

    @property
    def transactional_id(self) -> str:
        """The transactional id of this worker.

        If the instance has a name, the id survives restarts, and a successor ends a transaction that a crash left open.
        """
        return f"{self.broker.group}-{self.broker.instance or self._nonce}"

    def consumer_settings(self) -> dict[str, Any]:
        """Return the settings of the input's consumer."""
        member = {"group.instance.id": self.broker.instance} if self.broker.instance else {}
        return CONSUMER | member | self._settings() | {"group.id": self.broker.group}

    def lookup_settings(self) -> dict[str, Any]:
        """Return the settings of the client that looks up committed offsets. It does not join the group."""
        lookup = {"group.id": self.broker.group, "enable.partition.eof": True}
        return {key: CONSUMER[key] for key in READER} | self._settings() | FRESH | lookup

    def offsets_settings(self) -> dict[str, Any]:
        """Return the settings of the client that reads committed offsets, without waiting for open transactions."""
        return self.lookup_settings() | {"isolation.level": "read_uncommitted"}

    def producer_settings(self, batch_bytes: int = BATCH_BYTES) -> dict[str, Any]:
        """Return the settings of the transactional producer.

        A shorter session also shortens the transaction timeout: the successor of a crashed instance waits for both.

        Args:
            batch_bytes: the largest batch that every topic accepts. A larger message is sent alone in its batch.
        """
        session_ms = int(self.session.total_seconds() * 1000)
        timeout_ms = min(TRANSACTION_MS, max(MIN_TRANSACTION_MS, session_ms))
        derived = {"batch.size": min(batch_bytes, BATCH_BYTES), "transaction.timeout.ms": timeout_ms}
        return PRODUCER | derived | self._settings() | {"transactional.id": self.transactional_id}

    def admin_settings(self) -> dict[str, Any]:
        """Return the settings of the admin clients."""
        return self._settings() | FRESH

    def _settings(self) -> dict[str, Any]:
        defaults = {
            "bootstrap.servers": self.broker.bootstrap_servers,
            "client.id": "-".join(filter(None, (self.broker.group, self.broker.instance))),
            "log.connection.close": False,
            # By default, librdkafka bootstraps again when no broker is connected for a moment. An open transaction then
            # hangs until it times out, and the call that waits for it never returns.
            "metadata.recovery.strategy": "none",
        }
        return defaults | dict(self.broker.options) | {"logger": NativeLog(), "error_cb": report}
