"""A real Apache Kafka for tests, demos and benchmarks: jars from Maven Central, run by Java 17."""

from tests.broker.distribution import CannotInstall, Distribution
from tests.broker.kafka import KafkaServer, install
from tests.broker.topics import create_topic, wait_until_settled

__all__ = ["CannotInstall", "Distribution", "KafkaServer", "create_topic", "install", "wait_until_settled"]
