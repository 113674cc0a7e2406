"""A real Apache Kafka and a real schema registry for tests, demos and benchmarks, from Maven Central, run by Java 17.

`python -m makiserve.testing.broker` starts one from the command line.
"""

from makiserve.testing.broker.jars import CannotInstall, KafkaDistribution
from makiserve.testing.broker.kafka import KafkaServer, install
from makiserve.testing.broker.schema_registry import RegistryServer, install_registry
from makiserve.testing.broker.topic_creation import create_topic, wait_until_settled

__all__ = [
    "CannotInstall",
    "KafkaDistribution",
    "KafkaServer",
    "RegistryServer",
    "create_topic",
    "install",
    "install_registry",
    "wait_until_settled",
]
