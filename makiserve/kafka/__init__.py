"""Kafka: the input's consumer, the transactional producer, the start-up checks. The only home of confluent_kafka."""

from makiserve.kafka.admin import Cluster
from makiserve.kafka.connection import Connection
from makiserve.kafka.consumer import InputConsumer
from makiserve.kafka.embedded import EmbeddedBroker
from makiserve.kafka.errors import retry
from makiserve.kafka.group import GroupInspector, GroupView, Member, TopicState
from makiserve.kafka.message import (
    LOG_APPEND_TIME,
    NO_TIME,
    Headers,
    Message,
    Unreadable,
    read_headers,
)
from makiserve.kafka.message_decoder import (
    MessageDecoder,
    background_decoder,
    check_registry,
    direct_decoder,
    own_key,
    registry_client,
    schema_of,
)
from makiserve.kafka.offset_range import OffsetRange, Place, RangeReader, offset_ranges, place_from_text
from makiserve.kafka.offsets_client import Committed, OffsetsClient, Watermarks
from makiserve.kafka.producer import BY_KEY, TransactionalProducer
from makiserve.kafka.topic_inspector import Topic, TopicInspector
from makiserve.kafka.topic_limits import Limits, TopicLimits, limits_from_settings, message_bytes

__all__ = [
    "BY_KEY",
    "LOG_APPEND_TIME",
    "NO_TIME",
    "Cluster",
    "Committed",
    "Connection",
    "EmbeddedBroker",
    "GroupInspector",
    "GroupView",
    "Headers",
    "InputConsumer",
    "Limits",
    "Member",
    "Message",
    "MessageDecoder",
    "OffsetRange",
    "OffsetsClient",
    "Place",
    "RangeReader",
    "Topic",
    "TopicInspector",
    "TopicLimits",
    "TopicState",
    "TransactionalProducer",
    "Unreadable",
    "Watermarks",
    "background_decoder",
    "check_registry",
    "direct_decoder",
    "limits_from_settings",
    "message_bytes",
    "offset_ranges",
    "own_key",
    "place_from_text",
    "read_headers",
    "registry_client",
    "retry",
    "schema_of",
]
