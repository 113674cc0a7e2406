"""The headers that makiserve adds to a message, and how they are parsed: for outputs, dead letters and audits.

They follow the record's own headers, the source first. Those that an upstream service added are renamed, so that a
message has each of them only once.
"""

from __future__ import annotations

import re
import traceback
from typing import NamedTuple, Protocol

from makiserve.errors import OperatorError, RecordError
from makiserve.kafka.message import Headers

PREFIX = "makiserve."
UPSTREAM = "makiserve.upstream."
"""Prefix for the headers of an upstream service."""

SOURCE = "makiserve.source"
"""The position of the record: `topic[partition]@offset`."""

TIME = "makiserve.time"
"""The timestamp of the record, if the message has a different one."""

REDRIVEN = "makiserve.redriven"
"""How often the record was redriven. The only header with this prefix that a record keeps under its name."""

KEY = "makiserve.key"
"""The key of a record before it was rekeyed."""

MAX_TRACE_BYTES = 4_000
MAX_INT64 = 2**63 - 1
OMITTABLE = ("value", "headers", "key")

Header = tuple[str, "bytes | None"]


class RecordPosition(NamedTuple):
    """A record's position in a topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"

    @property
    def header(self) -> Header:
        """The header with the position."""
        return position_header(self.topic, self.partition, self.offset)


def position_header(topic: str, partition: int, offset: int) -> Header:
    """Return the header with a record's position."""
    return SOURCE, f"{topic}[{partition}]@{offset}".encode()


def position_from_text(text: str) -> RecordPosition | None:
    """Parse `topic[partition]@offset`; None if the text has another form."""
    match = re.fullmatch(r"(.+)\[([0-9]{1,9})\]@([0-9]{1,18})", text)
    return RecordPosition(match[1], int(match[2]), int(match[3])) if match else None


class NamedModel(Protocol):
    """A model that headers name."""

    @property
    def name(self) -> str | None: ...
    @property
    def uri(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def digest(self) -> str: ...


def model_headers(model: NamedModel) -> Headers:
    """Return the headers that name the model, which are the same for all its outputs."""
    facts = {"model": model.name or model.uri, "version": model.version or "", "digest": model.digest}
    return [(PREFIX + name, value.encode()) for name, value in facts.items() if value]


def time_header(time_ms: int) -> Header:
    """Return the header with the timestamp of a record."""
    return TIME, str(time_ms).encode()


def reason_headers(error: RecordError) -> Headers:
    """Return the headers with the reason of a dead letter, its message and the operator that failed."""
    headers: Headers = [("makiserve.reason", error.reason.encode()), ("makiserve.error", _bytes(str(error)[:1000]))]
    if isinstance(error, OperatorError):
        headers.append(("makiserve.operator", _bytes(error.operator[:1000])))
    return headers


def trace_headers(error: RecordError) -> Headers:
    """Return the header with the end of a traceback; no headers without an exception."""
    if error.__cause__ is None:
        return []
    try:
        lines = "".join(traceback.format_exception(error.__cause__))
    except Exception:  # noqa: BLE001  attributes of an exception of the user's, as of a subclass of SyntaxError
        lines = "".join(traceback.format_tb(error.__cause__.__traceback__))
    return [("makiserve.traceback", _bytes(lines)[-MAX_TRACE_BYTES:])]


def omitted_header(part: str, size: int) -> Header:
    """Return the header that reports the size of a part that the message does not hold."""
    return f"makiserve.{part}-omitted", f"{size} bytes".encode()


def as_upstream(headers: Headers) -> Headers:
    """Return the headers of a record as received; those of an upstream makiserve service are renamed."""
    if not headers or not any(name.startswith(PREFIX) for name, _ in headers):
        return headers
    return [
        (UPSTREAM + name.removeprefix(PREFIX) if name.startswith(PREFIX) and name != REDRIVEN else name, value)
        for name, value in headers
        if not name.startswith(UPSTREAM)
    ]


def as_received(headers: Headers) -> Headers:
    """Return the original headers of a record from those after `as_upstream`."""
    return [
        (PREFIX + name.removeprefix(UPSTREAM) if name.startswith(UPSTREAM) else name, value) for name, value in headers
    ]


class DecodedHeaders(NamedTuple):
    """The headers of a message, decoded.

    Attributes:
        record_headers: the headers of the record, those of an upstream service renamed.
        values: the headers that makiserve added, by their name without the prefix; empty if there are none.
    """

    record_headers: Headers
    values: dict[str, bytes | None]

    @property
    def source(self) -> RecordPosition | None:
        """The position of the record; None if it is missing or damaged."""
        return position_from_text(self.text("source"))

    @property
    def time_ms(self) -> int | None:
        """The timestamp of the record; None if it is missing or damaged."""
        return number_from_bytes(self.values.get("time"))

    @property
    def omitted(self) -> frozenset[str]:
        """Those of value, headers and key that were omitted because the message would be too large."""
        return frozenset(part for part in OMITTABLE if f"{part}-omitted" in self.values)

    def text(self, name: str) -> str:
        """Return a header as text; empty if it is missing."""
        return (self.values.get(name) or b"").decode(errors="replace")


def decode_headers(headers: Headers) -> DecodedHeaders:
    """Separate the headers that makiserve added, which begin with the last source, from those of the record."""
    start = max((index for index, (name, _) in enumerate(headers) if name == SOURCE), default=len(headers))
    return DecodedHeaders(headers[:start], {name.removeprefix(PREFIX): value for name, value in headers[start:]})


def number_from_bytes(text: bytes | None) -> int | None:
    """Parse the number in a header; None if it is not a number or does not fit into 64 bits."""
    if not re.fullmatch(rb"-?[0-9]{1,19}", text or b""):
        return None
    number = int(text or b"")
    return number if -MAX_INT64 <= number <= MAX_INT64 else None


def _bytes(text: str) -> bytes:
    """Return text as UTF-8; lone surrogates, which UTF-8 cannot encode, are escaped."""
    return text.encode(errors="backslashreplace")
