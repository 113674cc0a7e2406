"""Outgoing messages: key, value and headers of outputs and dead letters, built so that their topics accept them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from makiserve.errors import RecordError
from makiserve.kafka import Headers, Message, TopicLimits, message_bytes, read_headers
from makiserve.kafka.headers import (
    KEY,
    SOURCE,
    Header,
    RecordPosition,
    as_upstream,
    decode_headers,
    omitted_header,
    position_header,
    reason_headers,
    time_header,
    trace_headers,
)
from makiserve.kafka.intermediate_topic import input_key
from makiserve.records.registry.wire import VALUE_HEADER

BARE_BYTES = 12_000
"""A message with only the headers that makiserve adds is smaller than this, without its key and value."""


class RecordOrigin(msgspec.Struct, frozen=True, gc=False):
    """The data that a message takes from the record that caused it.

    There is one for each output, and a Struct is made in a fraction of the time of a named tuple.

    Attributes:
        key: key of the record.
        headers: headers of the record, as received.
        source: the header with its position.
        time_ms: timestamp of the record, in milliseconds since 1970.
        dropped: number of its headers that are dropped because their name is not UTF-8.
    """

    key: bytes | None
    headers: Headers
    source: Header
    time_ms: int
    dropped: int = 0


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A message for the producer."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    time_ms: int


class Times(NamedTuple):
    """The earliest and latest timestamps that a topic accepts, and the current time, in milliseconds since 1970."""

    earliest_ms: int
    latest_ms: int
    now_ms: int

    def fit(self, time_ms: int) -> tuple[int, Headers]:
        """Return the timestamp for a message, and a header with that of its record if the two differ.

        A client cannot write the timestamp 0, because librdkafka takes it for the current time.
        """
        if time_ms and self.earliest_ms <= time_ms <= self.latest_ms:
            return time_ms, []
        return self.now_ms, [time_header(time_ms)]


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A message that is not fitted to a topic yet.

    Attributes:
        record: what it takes from the record that caused it.
        partition: the partition that it goes to.
        key: its key.
        value: its value.
        added: its headers after those of the record.
    """

    record: RecordOrigin
    partition: int
    key: bytes | None
    value: bytes | None
    added: Headers

    def fitted(self, topic: str, times: Times) -> Outgoing:
        """Return the message for a topic that accepts these timestamps."""
        record = self.record
        time_ms, time = times.fit(record.time_ms)
        headers = [*record.headers, record.source, *time, *self.added]
        return Outgoing(topic, self.partition, self.key, self.value, headers, time_ms)


def all_fitted(drafts: Sequence[Draft], topic: str, times: Times) -> list[Outgoing]:
    """Return what `Draft.fitted` returns for each of many messages, with one call for all whose timestamp fits."""
    earliest_ms, latest_ms = max(times.earliest_ms, 1), times.latest_ms
    return [
        Outgoing(
            topic, draft.partition, draft.key, draft.value, [*record.headers, record.source, *draft.added], time_ms
        )
        if earliest_ms <= (time_ms := (record := draft.record).time_ms) <= latest_ms
        else draft.fitted(topic, times)
        for draft in drafts
    ]


def origin(message: Message) -> RecordOrigin:
    """Return the data that an output takes from an input record."""
    headers, dropped = read_headers(message)
    source = position_header(message.topic(), message.partition(), message.offset())
    return RecordOrigin(message.key(), as_upstream(headers), source, message.timestamp()[1], dropped)


def input_origin(message: Message) -> RecordOrigin:
    """Return the data that an output takes from a rekeyed record, as it was before; see `original_key`."""
    headers, dropped = read_headers(message)
    added = decode_headers(headers)
    time_ms = message.timestamp()[1] if added.time_ms is None else added.time_ms
    if added.values:
        source = (SOURCE, added.values["source"])
    else:
        source = position_header(message.topic(), message.partition(), message.offset())
    return RecordOrigin(input_key(message), added.record_headers, source, time_ms, dropped)


def position(message: Message) -> RecordPosition:
    """Return the position of a message."""
    return RecordPosition(message.topic(), message.partition(), message.offset())


def without_schema(record: RecordOrigin) -> RecordOrigin:
    """Return what the outputs of a record keep of it: all but the header with the schema id of its value."""
    if not record.headers or not any(name == VALUE_HEADER for name, _ in record.headers):
        return record
    kept = [header for header in record.headers if header[0] != VALUE_HEADER]
    return msgspec.structs.replace(record, headers=kept)


def original_key(record: RecordOrigin) -> Headers:
    """Return the last header of a rekeyed record, which holds its original key; none if it had no key."""
    return [] if record.key is None else [(KEY, record.key)]


def refusal(message: Outgoing, limits: TopicLimits) -> str | None:
    """Return why a topic refuses a message, and what to do; None if it accepts the message."""
    if limits.needs_key and message.key is None:
        return (
            f"the record has no key, and {message.topic} is compacted, so it does not accept messages without a "
            "key: produce the records with a key, or set cleanup.policy=delete on the topic"
        )
    size = message_bytes(message.key, message.value, message.headers)
    if size > limits.max_bytes:
        return (
            f"the message has {size:,} bytes with its headers, but {message.topic} accepts at most "
            f"{limits.max_bytes:,}: emit less, or raise max.message.bytes of the topic"
        )
    return None


def dead_letter(
    record: RecordOrigin, value: bytes | None, models: Headers, error: RecordError, max_bytes: int
) -> tuple[bytes | None, bytes | None, Headers]:
    """Return key, value and headers of a dead letter of at most `max_bytes`; see `shortened`.

    The record's timestamp is a header, because the broker applies retention to the dead letter's own timestamp.
    """
    added = [record.source, *models, time_header(record.time_ms), *reason_headers(error)]
    trace = trace_headers(error)
    key, value, headers = shortened(record, value, [*added, *trace], max_bytes)
    if trace and message_bytes(key, value, headers) > max_bytes:
        headers = [header for header in headers if header not in trace]
    return key, value, headers


def shortened(
    record: RecordOrigin, value: bytes | None, added: Headers, max_bytes: int
) -> tuple[bytes | None, bytes | None, Headers]:
    """Return key, value and headers of a message of at most `max_bytes`.

    If the message is too large, omit the value, the record's own headers and the key, in this order. They are still in
    the input. A header gives the size of each.
    """
    key, headers = record.key, record.headers
    if value is not None and message_bytes(key, value, [*headers, *added]) > max_bytes:
        added = [*added, omitted_header("value", len(value))]
        value = None
    if headers and message_bytes(key, value, [*headers, *added]) > max_bytes:
        added = [*added, omitted_header("headers", message_bytes(None, None, headers))]
        headers = []
    if key is not None and message_bytes(key, value, [*headers, *added]) > max_bytes:
        added = [*added, omitted_header("key", len(key))]
        key = None
    return key, value, [*headers, *added]
