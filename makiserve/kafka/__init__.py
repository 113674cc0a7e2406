"""Kafka: the input's consumer, the transactional producer, the start-up checks. The only home of confluent_kafka."""

from makiserve.kafka.admin import Cluster
from makiserve.kafka.connection import Connection
from makiserve.kafka.consumer import InputConsumer
from makiserve.kafka.embedded import EmbeddedBroker
from makiserve.kafka.faults import insist
from makiserve.kafka.group import GroupInspector, GroupView, Member, TopicState
from makiserve.kafka.limits import Limits, TopicLimits, limits_from_settings, message_bytes
from makiserve.kafka.lookup import Committed, Lookup, Watermarks
from makiserve.kafka.message import LOG_APPEND_TIME, NO_TIME, Headers, Message, Unreadable, read_headers
from makiserve.kafka.place import Place, place_from_text
from makiserve.kafka.producer import BY_KEY, TransactionalProducer
from makiserve.kafka.records import records_from_messages
from makiserve.kafka.span import Span, SpanReader, spans
from makiserve.kafka.survey import Survey, Topic

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
    "Lookup",
    "Member",
    "Message",
    "Place",
    "Span",
    "SpanReader",
    "Survey",
    "Topic",
    "TopicLimits",
    "TopicState",
    "TransactionalProducer",
    "Unreadable",
    "Watermarks",
    "insist",
    "limits_from_settings",
    "message_bytes",
    "place_from_text",
    "read_headers",
    "records_from_messages",
    "spans",
]
