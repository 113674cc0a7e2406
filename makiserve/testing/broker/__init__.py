"""A real Apache Kafka for tests, demos and benchmarks: jars from Maven Central, run by Java 17.

`python -m makiserve.testing.broker` starts one from the command line.
"""

from makiserve.testing.broker.distribution import CannotInstall, Distribution
from makiserve.testing.broker.kafka import KafkaServer, install
from makiserve.testing.broker.topics import create_topic, wait_until_settled

__all__ = ["CannotInstall", "Distribution", "KafkaServer", "create_topic", "install", "wait_until_settled"]
