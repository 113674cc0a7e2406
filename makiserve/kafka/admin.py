"""Start-up checks of the cluster, and the creation of topics."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from makiserve.errors import BrokerUnavailable, ConfigurationError, RetryCall
from makiserve.kafka.committed_offsets import CommittedOffsets
from makiserve.kafka.connection import Connection, report
from makiserve.kafka.error_codes import EXISTS, NO_BROKER
from makiserve.kafka.errors import error_from_kafka, retry, to_error
from makiserve.kafka.topic_limits import TIME_LIMITS, UNLIMITED

logger = logging.getLogger(__name__)

CALL_S = 1.0
BROKER_DEFAULT = -1
PROTOCOL = "inter.broker.protocol.version"
OLDEST_PROTOCOL = (2, 5)
"""Since this version, a broker checks the group's generation when a transaction commits offsets."""


class Cluster:
    """The brokers and topics, as seen when a service starts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._servers = connection.broker.bootstrap_servers
        self._reason = "no answer"
        self._refusal: ConfigurationError | None = None
        with to_error("The Kafka properties"):
            self._admin = AdminClient(connection.admin_settings() | {"error_cb": self._on_error})

    def preflight(self, within: timedelta) -> str:
        """Wait for a broker, refuse one that is too old, and return its Kafka version in words, if it is known.

        Raises:
            BrokerUnavailable: no broker has answered in this time.
            ConfigurationError: the broker refuses the credentials, or does not fence zombies.
        """
        deadline = time.monotonic() + within.total_seconds()
        while True:
            try:
                brokers = self._metadata().brokers
            except RetryCall as error:
                self._admin.poll(0.0)
                if self._refusal is not None:
                    raise self._refusal from error
                if time.monotonic() > deadline:
                    raise BrokerUnavailable(
                        f"No broker at {self._servers} answered within {within.total_seconds():g} s "
                        f"({self._reason}). Check the address and the network, then start again."
                    ) from error
            else:
                return self._broker_version(next(iter(brokers)))

    def partitions(self, topic: str) -> int:
        """Return the number of partitions of a topic.

        Raises:
            ConfigurationError: the topic does not exist, or these credentials may not see it.
        """
        count = self._partitions(topic)
        if count is None:
            raise ConfigurationError(
                f"Topic {topic} does not exist at {self._servers}, or the principal may not see it. Create it: "
                f"kafka-topics.sh --bootstrap-server {self._servers} --create --topic {topic} --partitions 4; or "
                "grant the principal Read on an input, Write on an output"
            )
        return count

    def has(self, topic: str) -> bool:
        """Return whether the topic exists and these credentials may see it."""
        return self._partitions(topic) is not None

    def retention(self, topic: str) -> dict[str, str]:
        """Return settings for a topic that accepts all records of this one, of any age, and keeps them as long.

        Raises:
            ConfigurationError: the settings may not be read.
            RetryCall: there was no answer.
        """
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        with to_error(f"Reading the settings of {topic}"):
            settings = self._admin.describe_configs([resource], request_timeout=CALL_S)[resource].result()
        kept = {name: settings[name].value for name in ("retention.ms", "retention.bytes", "max.message.bytes")}
        if "delete" not in settings["cleanup.policy"].value:
            kept |= {"retention.ms": "-1", "retention.bytes": "-1"}
        # Which of these settings exist depends on the broker.
        kept |= {name: str(UNLIMITED) for name in TIME_LIMITS if name in settings}
        return kept | {"cleanup.policy": "delete", "message.timestamp.type": "CreateTime"}

    def ensure(self, topic: str, partitions: int, settings: Mapping[str, str]) -> int:
        """Create a topic if it does not exist, and return its number of partitions.

        If several workers call this at once, one of them creates the topic.

        Args:
            topic: its name.
            partitions: the number of partitions of a new topic.
            settings: of a new topic, by their Kafka names. An existing topic keeps its own.

        Raises:
            ConfigurationError: the topic may not be created.
            BrokerUnavailable: the topic was created but did not become visible within 10 s.
        """
        if self._partitions(topic) is None:
            self._create(topic, partitions, settings)
        return retry(lambda: self._visible_partitions(topic), timedelta(seconds=10))

    def create_if_absent(self, topic: str, partitions: int, settings: Mapping[str, str]) -> None:
        """Create a topic if it does not exist, and refuse one with another number of partitions. See `ensure`.

        Raises:
            ConfigurationError: the topic has another number of partitions, or may not be created.
            BrokerUnavailable: the topic was created but did not become visible within 10 s.
        """
        if (count := self.ensure(topic, partitions, settings)) != partitions:
            raise ConfigurationError(
                f"Topic {topic} has {count} partitions but needs {partitions}. Nothing was written to it. "
                "Use another name, or delete the topic if its content is not needed."
            )

    def command(self, tool: str, topic: str) -> str:
        """Return the beginning of the command line that runs a Kafka tool on a topic."""
        flag = "--entity-type topics --entity-name" if tool == "configs" else "--topic"
        return f"kafka-{tool}.sh --bootstrap-server {self._servers} {flag} {topic}"

    def add_partitions(self, topic: str, partitions: int) -> None:
        """Add partitions to a topic that has fewer than `partitions`; do nothing if the topic does not exist.

        Raises:
            ConfigurationError: the topic may not be changed.
        """
        count = self._partitions(topic)
        if count is not None and count < partitions:
            with to_error(f"Adding partitions to {topic}, {partitions} in total"):
                self._admin.create_partitions([NewPartitions(topic, partitions)])[topic].result()
            retry(lambda: self._visible_partitions(topic, partitions), timedelta(seconds=10))
            logger.info("Topic %s now has %d partitions", topic, partitions)

    def committed_topics(self) -> set[str]:
        """Return the topics for which the group has committed offsets, as far as these credentials may see them.

        Raises:
            ConfigurationError: these credentials may not read the group's offsets.
            BrokerUnavailable: there was no answer within 10 s.
        """
        topics = retry(self._metadata, timedelta(seconds=10)).topics
        places = [(name, number) for name, topic in topics.items() for number in topic.partitions]
        with CommittedOffsets(self._connection) as offsets:
            committed = retry(lambda: offsets.read(places, timedelta(seconds=CALL_S)), timedelta(seconds=10))
        return {topic for topic, _ in committed}

    def require_setting(self, topic: str, name: str, value: str) -> None:
        """Refuse a topic that has another value of a setting. Trust a topic whose settings may not be read.

        Raises:
            ConfigurationError: the setting has another value.
        """
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        try:
            actual = self._admin.describe_configs([resource], request_timeout=CALL_S)[resource].result()[name].value
        except KafkaException as error:
            logger.debug("The settings of %s cannot be read: %s", topic, error)
            return
        if actual != value:
            raise ConfigurationError(
                f"Topic {topic} has {name}={actual} but needs {value}: retention would remove state. Correct it: "
                f"kafka-configs.sh --bootstrap-server {self._servers} --alter --topic {topic} --add-config "
                f"{name}={value}"
            )

    def _metadata(self) -> Any:
        # List all topics: a request for one by name would create it if the broker has auto.create.topics.enable.
        with to_error(f"Listing the topics of {self._servers}"):
            return self._admin.list_topics(timeout=CALL_S)

    def _partitions(self, topic: str) -> int | None:
        metadata = retry(self._metadata, timedelta(seconds=10)).topics.get(topic)
        return len(metadata.partitions) if metadata is not None else None

    def _visible_partitions(self, topic: str, partitions: int = 1) -> int:
        count = self._partitions(topic)
        if count is None or count < partitions:
            raise RetryCall(f"Topic {topic} was created or got more partitions, but the brokers do not report it yet")
        return count

    def _create(self, topic: str, partitions: int, settings: Mapping[str, str]) -> None:
        new = NewTopic(topic, partitions, BROKER_DEFAULT, config=dict(settings))
        try:
            self._admin.create_topics([new])[topic].result()
            logger.info("Created topic %s with %d partitions", topic, partitions)
        except KafkaException as error:
            if error.args[0].code() != EXISTS:
                raise error_from_kafka(error.args[0], f"Creating topic {topic}") from error

    def _broker_version(self, broker: int) -> str:
        """Return the Kafka version in words, from the inter-broker protocol. Kafka 4 no longer has that setting."""
        resource = ConfigResource(ConfigResource.Type.BROKER, str(broker))
        try:
            settings = self._admin.describe_configs([resource], request_timeout=CALL_S)[resource].result()
        except KafkaException as error:
            logger.debug("The broker's settings cannot be read: %s", error)
            return "Kafka of unknown version (the principal may not read the cluster's settings: DescribeConfigs)"
        if PROTOCOL not in settings:
            return "Kafka 4.0 or newer"
        _refuse_old_protocol(settings[PROTOCOL].value)
        return f"Kafka {settings[PROTOCOL].value}"

    def _on_error(self, error: KafkaError) -> None:
        report(error)
        if error.code() != NO_BROKER:
            self._reason = error.str()
        seen = error_from_kafka(error, f"Connecting to {self._servers}")
        if isinstance(seen, ConfigurationError):
            self._refusal = seen


def _refuse_old_protocol(protocol: str | None) -> None:
    version = re.match(r"(\d+)\.(\d+)", protocol or "")
    if version and tuple(map(int, version.groups())) < OLDEST_PROTOCOL:
        raise ConfigurationError(
            f"The brokers speak protocol {protocol}. Before 2.5, brokers do not fence the offsets of an instance "
            f"that was replaced, so records would be processed twice. Upgrade the brokers, or raise {PROTOCOL}."
        )
