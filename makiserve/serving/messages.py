"""Outgoing messages: key, value and headers of outputs and dead letters, built so that their topics accept them."""

from __future__ import annotations

import traceback
from typing import NamedTuple

from makiserve.errors import OperatorError, RecordError
from makiserve.kafka import Headers, Message, TopicLimits, message_bytes, read_headers
from makiserve.records.registry.wire import VALUE_HEADER
from makiserve.scoring import Served

PREFIX = "makiserve."
SOURCE = "makiserve.source"
TIME = "makiserve.time"
"""The timestamp of the record, if the message has a different one."""

RETRIED = "makiserve.retried"
"""How often the record was redriven. The only header with this prefix that a record keeps under its name."""

UPSTREAM = "makiserve.upstream."
"""Prefix for the headers of an upstream service, so that a message has each `makiserve.` header only once."""

KEY = "makiserve.key"
"""The key of a record before it was rekeyed."""

MAX_TRACE_BYTES = 4_000

BARE_BYTES = 12_000
"""A dead letter with only the headers that makiserve adds is smaller than this."""


class Origin(NamedTuple):
    """The data that a message takes from the record that caused it.

    Attributes:
        key: key of the record.
        headers: headers of the record, as received.
        source: the header with its position.
        time_ms: timestamp of the record, in milliseconds since 1970.
        dropped: number of its headers that are dropped because their name is not UTF-8.
    """

    key: bytes | None
    headers: Headers
    source: tuple[str, bytes | None]
    time_ms: int
    dropped: int = 0


class Outgoing(NamedTuple):
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


class Draft(NamedTuple):
    """A message that is not fitted to a topic yet.

    Attributes:
        record: what it takes from the record that caused it.
        partition: the partition that it goes to.
        key: its key.
        value: its value.
        added: its headers after those of the record.
    """

    record: Origin
    partition: int
    key: bytes | None
    value: bytes | None
    added: Headers

    def fitted(self, topic: str, times: Times) -> Outgoing:
        """Return the message for a topic that accepts these timestamps."""
        time_ms, time = times.fit(self.record.time_ms)
        headers = [*self.record.headers, self.record.source, *time, *self.added]
        return Outgoing(topic, self.partition, self.key, self.value, headers, time_ms)


def model_headers(model: Served) -> Headers:
    """Return the headers that name the model, which are the same for all its outputs."""
    facts = {"model": model.name or model.uri, "version": model.version or "", "digest": model.digest}
    return [(PREFIX + name, value.encode()) for name, value in facts.items() if value]


def source_header(topic: str, partition: int, offset: int) -> tuple[str, bytes | None]:
    """Return the header with the position of the record that caused an output: `topic[partition]@offset`."""
    return SOURCE, f"{topic}[{partition}]@{offset}".encode()


def origin(message: Message) -> Origin:
    """Return the data that an output takes from an input record."""
    headers, dropped = read_headers(message)
    source = source_header(message.topic(), message.partition(), message.offset())
    return Origin(message.key(), _as_upstream(headers), source, message.timestamp()[1], dropped)


def origin_before(message: Message) -> Origin:
    """Return the data that an output takes from a rekeyed record, as it was before; see `original_key`."""
    headers, dropped = read_headers(message)
    headers, key, time_ms = list(headers), None, message.timestamp()[1]
    if headers and headers[-1][0] == KEY:
        key = headers.pop()[1]
    if headers and headers[-1][0] == TIME:
        time_ms = int(headers.pop()[1] or 0)
    source = headers.pop() if headers else source_header(message.topic(), message.partition(), message.offset())
    return Origin(key, headers, source, time_ms, dropped)


def without_schema(record: Origin) -> Origin:
    """Return what the outputs of a record keep of it: all but the header with the schema id of its value."""
    if not any(name == VALUE_HEADER for name, _ in record.headers):
        return record
    return record._replace(headers=[header for header in record.headers if header[0] != VALUE_HEADER])


def original_key(record: Origin) -> Headers:
    """Return the last header of a rekeyed record, which holds its original key; none if it had no key."""
    return [] if record.key is None else [(KEY, record.key)]


def as_received(headers: Headers) -> Headers:
    """Return the original headers of a record from those of its dead letter."""
    return [
        (PREFIX + name.removeprefix(UPSTREAM) if name.startswith(UPSTREAM) else name, each) for name, each in headers
    ]


def time_header(time_ms: int) -> tuple[str, bytes | None]:
    """Return the header with the timestamp of a record."""
    return TIME, str(time_ms).encode()


def refusal(message: Outgoing, limits: TopicLimits) -> str | None:
    """Return why a topic refuses a message, and what to do; None if it accepts the message."""
    if limits.needs_key and message.key is None:
        return (
            f"the record has no key, and {message.topic} is compacted, so that it takes no message without one: "
            "produce the records with a key, or set cleanup.policy=delete on the topic"
        )
    size = message_bytes(message.key, message.value, message.headers)
    if size > limits.max_bytes:
        return (
            f"the message has {size:,} bytes with its headers, and {message.topic} takes {limits.max_bytes:,}: emit "
            "less, or raise max.message.bytes of the topic"
        )
    return None


def dead_letter(
    record: Origin, value: bytes | None, models: Headers, error: RecordError, max_bytes: int
) -> tuple[bytes | None, bytes | None, Headers]:
    """Return key, value and headers of a dead letter of at most `max_bytes`; see `shortened`.

    The record's timestamp is a header, because the broker applies retention to the dead letter's own timestamp.
    """
    added = [record.source, *models, time_header(record.time_ms), *_reason(error)]
    trace = _trace(error)
    key, value, headers = shortened(record, value, [*added, *trace], max_bytes)
    if trace and message_bytes(key, value, headers) > max_bytes:
        headers = [header for header in headers if header not in trace]
    return key, value, headers


def shortened(
    record: Origin, value: bytes | None, added: Headers, max_bytes: int
) -> tuple[bytes | None, bytes | None, Headers]:
    """Return key, value and headers of a message of at most `max_bytes`.

    If the message is too large, omit the value, the record's own headers and the key, in this order. They are still in
    the input. A header gives the size of each.
    """
    key, own = record.key, record.headers
    if value is not None and message_bytes(key, value, [*own, *added]) > max_bytes:
        added = [*added, _omitted("value", len(value))]
        value = None
    if own and message_bytes(key, value, [*own, *added]) > max_bytes:
        added = [*added, _omitted("headers", message_bytes(None, None, own))]
        own = []
    if key is not None and message_bytes(key, value, [*own, *added]) > max_bytes:
        added = [*added, _omitted("key", len(key))]
        key = None
    return key, value, [*own, *added]


def _as_upstream(headers: Headers) -> Headers:
    """Return the headers of a record as received; those of an upstream makiserve service are renamed."""
    if not any(name.startswith(PREFIX) for name, _ in headers):
        return headers
    return [
        (UPSTREAM + name.removeprefix(PREFIX) if name.startswith(PREFIX) and name != RETRIED else name, value)
        for name, value in headers
        if not name.startswith(UPSTREAM)
    ]


def _reason(error: RecordError) -> Headers:
    headers: Headers = [("makiserve.reason", error.reason.encode()), ("makiserve.error", _bytes(str(error)[:1000]))]
    if isinstance(error, OperatorError):
        headers.append(("makiserve.operator", _bytes(error.operator[:1000])))
    return headers


def _trace(error: RecordError) -> Headers:
    if error.__cause__ is None:
        return []
    lines = "".join(traceback.format_exception(error.__cause__))
    return [("makiserve.traceback", _bytes(lines)[-MAX_TRACE_BYTES:])]


def _omitted(what: str, size: int) -> tuple[str, bytes | None]:
    return f"makiserve.{what}-omitted", f"{size} bytes".encode()


def _bytes(text: str) -> bytes:
    """Return text as UTF-8; lone surrogates, which UTF-8 cannot encode, are escaped."""
    return text.encode(errors="backslashreplace")
