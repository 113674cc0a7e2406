"""A real Kafka and a real schema registry for tests, demos and benchmarks: from Maven Central, run by Java 17."""

from tests.broker.distribution import CannotInstall, Distribution
from tests.broker.kafka import KafkaServer, install
from tests.broker.registry import RegistryServer, install_registry
from tests.broker.topics import create_topic, wait_until_settled

__all__ = [
    "CannotInstall",
    "Distribution",
    "KafkaServer",
    "RegistryServer",
    "create_topic",
    "install",
    "install_registry",
    "wait_until_settled",
]
