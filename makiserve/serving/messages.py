"""Output messages and dead letters: what goes into value and headers."""

from __future__ import annotations

import traceback

from makiserve.errors import OperatorError, RecordError
from makiserve.kafka import Message
from makiserve.scoring import Served

Headers = list[tuple[str, bytes]]

KEY = "makiserve.key"
"""The key that a record had before it got another one."""

MAX_VALUE_BYTES = 900_000
"""The longest original value that a dead letter repeats: brokers refuse messages of more than 1 MB by default."""

MAX_TRACE_BYTES = 4_000


def model_headers(model: Served) -> Headers:
    """Which model made an output; the same for all outputs of a service."""
    facts = {"model": model.name or model.uri, "version": model.version or "", "digest": model.digest}
    return [(f"makiserve.{name}", value.encode()) for name, value in facts.items() if value]


def source_header(topic: str, partition: int, offset: int) -> tuple[str, bytes]:
    """The record that caused an output: `topic[partition]@offset`."""
    return "makiserve.source", f"{topic}[{partition}]@{offset}".encode()


def origin(message: Message) -> tuple[bytes | None, Headers]:
    """The key of a record, and its headers, the last of which says where it stands."""
    source = source_header(message.topic(), message.partition(), message.offset())
    return message.key(), [*(message.headers() or ()), source]


def headers_with_key(headers: Headers, key: bytes | None) -> Headers:
    """The headers of a record that gets another key: its own is behind its position."""
    return headers if key is None else [*headers, (KEY, key)]


def origin_before(message: Message) -> tuple[bytes | None, Headers]:
    """The same as `origin`, of the record as it was before it got another key."""
    headers = message.headers() or []
    if headers and headers[-1][0] == KEY:
        return headers[-1][1], headers[:-1]
    return None, headers


def dead_letter(value: bytes | None, time_ms: int, error: RecordError) -> tuple[bytes | None, Headers]:
    """The value and the headers of a dead letter. A value that is too long stays where it is, in the input topic.

    The record's time is a header: by the time of the letter itself, the broker counts how long it is kept.
    """
    headers = [("makiserve.time", str(time_ms).encode())]
    headers += [("makiserve.reason", error.reason.encode()), ("makiserve.error", str(error)[:1000].encode())]
    if isinstance(error, OperatorError):
        headers.append(("makiserve.operator", error.operator.encode()))
    if error.__cause__:
        lines = "".join(traceback.format_exception(error.__cause__))
        headers.append(("makiserve.traceback", lines[-MAX_TRACE_BYTES:].encode()))
    if value is not None and len(value) > MAX_VALUE_BYTES:
        headers.append(("makiserve.value-omitted", f"{len(value)} bytes".encode()))
        return None, headers
    return value, headers
