"""Output messages and dead letters: what goes into value and headers."""

from __future__ import annotations

import traceback

from makiserve.errors import OperatorError, RecordError
from makiserve.scoring import Served

Headers = list[tuple[str, bytes]]

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


def dead_letter(value: bytes | None, error: RecordError) -> tuple[bytes | None, Headers]:
    """The value and the headers of a dead letter. A value that is too long stays where it is, in the input topic."""
    headers = [("makiserve.reason", error.reason.encode()), ("makiserve.error", str(error)[:1000].encode())]
    if isinstance(error, OperatorError):
        headers.append(("makiserve.operator", error.operator.encode()))
    if error.__cause__:
        lines = "".join(traceback.format_exception(error.__cause__))
        headers.append(("makiserve.traceback", lines[-MAX_TRACE_BYTES:].encode()))
    if value is not None and len(value) > MAX_VALUE_BYTES:
        headers.append(("makiserve.value-omitted", f"{len(value)} bytes".encode()))
        return None, headers
    return value, headers
