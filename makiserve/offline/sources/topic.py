"""A span of a topic: one source for each partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from makiserve.kafka import (
    Connection,
    OffsetRange,
    Place,
    RangeReader,
    direct_decoder,
    offset_ranges,
    place_from_text,
)
from makiserve.kafka.intermediate_topic import producer_key
from makiserve.offline.sources.source import Block
from makiserve.records import Schema
from makiserve.records.unseen import UnseenFields
from makiserve.settings import BrokerSettings, InputFormat

GROUP = "makiserve-replay"
"""The group ID of the consumer, which does not join a group."""


@dataclass(frozen=True)
class TopicSpan:
    """The records of a topic to replay. Uncommitted records are not read, and no offsets are committed.

    Attributes:
        topic: the topic with the records.
        bootstrap_servers: `host:port`, several separated by commas.
        start: the first record of each partition: an offset, a time, a `timedelta` before now, or as text: `2h`,
            `2026-11-25T10:00`, `earliest`.
        end: the first record of each partition that is not replayed, in the same forms; `latest` is the end when the
            replay starts.
        options: librdkafka properties, for security.
        schema_registry: the URL of the schema registry; None if all messages are plain JSON.
        registry_options: credentials and TLS of the schema registry.
        input_format: the only format that messages may have; `auto` accepts all.
    """

    topic: str
    bootstrap_servers: str
    start: Place | str = "earliest"
    end: Place | str = "latest"
    options: Mapping[str, str] = field(default_factory=dict)
    schema_registry: str | None = None
    registry_options: Mapping[str, str] = field(default_factory=dict)
    input_format: InputFormat = "auto"

    def sources(self) -> list[SpanSource]:
        """Return one source for each partition.

        Raises:
            ConfigurationError: the topic, place or offset does not exist.
            BrokerUnavailable: no broker answers.
        """
        broker = BrokerSettings(
            self.bootstrap_servers,
            GROUP,
            options=self.options,
            schema_registry=self.schema_registry,
            registry_options=self.registry_options,
            input_format=self.input_format,
        )
        start, end = (place_from_text(place) if isinstance(place, str) else place for place in (self.start, self.end))
        return [SpanSource(broker, span) for span in offset_ranges(Connection(broker), self.topic, start, end)]


class SpanSource:
    """The span of one partition; positions are the broker's.

    Args:
        broker: how to reach the broker.
        span: the offsets to read.
    """

    is_keyed = True

    def __init__(self, broker: BrokerSettings, span: OffsetRange) -> None:
        self._broker = broker
        self._span = span
        self.name = f"{span.topic}[{span.partition}]"
        self.size = span.end - span.start
        self.read = 0

    def blocks(self, schema: Schema) -> Iterator[Block]:
        unseen, decoder = UnseenFields(schema), direct_decoder(schema, self._broker, producer_key)
        with RangeReader(Connection(self._broker)) as reader:
            for messages in reader.read_input(self._span):
                offsets = [message.offset() for message in messages]
                records = decoder.decode(messages).records
                self.read = messages[-1].offset() + 1 - self._span.start if messages else self.read
                decoder.mark_seen(messages, unseen)
                keys = [producer_key(message) for message in messages]
                yield Block(self.name, offsets, records, keys, unseen=unseen.names)
        self.read = self.size
