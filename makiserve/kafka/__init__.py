"""Kafka: the input's consumer, the transactional producer, the start-up checks. The only home of confluent_kafka."""

from makiserve.kafka.admin import Cluster
from makiserve.kafka.connection import Connection
from makiserve.kafka.consumer import Committed, InputConsumer, Watermarks
from makiserve.kafka.embedded import EmbeddedBroker
from makiserve.kafka.faults import insist
from makiserve.kafka.message import Message
from makiserve.kafka.producer import TransactionalProducer

__all__ = [
    "Cluster",
    "Committed",
    "Connection",
    "EmbeddedBroker",
    "InputConsumer",
    "Message",
    "TransactionalProducer",
    "Watermarks",
    "insist",
]
