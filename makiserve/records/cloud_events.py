"""CloudEvents in Kafka messages: attributes in headers (binary mode), or around the data (structured mode)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from makiserve.errors import DecodeError

CONTENT_TYPE = "content-type"
STRUCTURED = "application/cloudevents"
PREFIX = "ce_"
"""The prefix of an attribute in a header, and of a record's field that has the attribute."""

MARK = b'"specversion"'
"""Every event in structured mode contains these bytes."""

JSON_TYPES = ("application/json", "text/json", "")

Headers = list[tuple[str, "bytes | None"]]


class Event(msgspec.Struct):
    """An event that was taken apart.

    Attributes:
        data: the data.
        attributes: its attributes, by their names in headers: `ce_id`, `ce_source`, `ce_type`, `ce_time`.
    """

    data: bytes
    attributes: dict[str, Any]


def attributes_in(headers: Headers) -> dict[str, Any]:
    """Return the attributes in the headers of an event in binary mode; empty if the message is not an event."""
    return {name: value.decode(errors="replace") for name, value in headers if name.startswith(PREFIX) and value}


def is_structured(headers: Headers) -> bool:
    """Return whether the value of a message is an event in structured mode."""
    return any(
        name.lower() == CONTENT_TYPE and (value or b"").startswith(STRUCTURED.encode()) for name, value in headers
    )


def event_from_structured(value: bytes) -> Event:
    """Take an event in structured mode apart.

    Raises:
        DecodeError: it is not an event in JSON, or has no data that can be a record.
    """
    try:
        members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        attributes = {
            PREFIX + name: msgspec.json.decode(raw)
            for name, raw in members.items()
            if name not in ("data", "data_base64")
        }
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DecodeError(f"not a CloudEvent in JSON: {error} ({len(value):,} bytes)") from error
    if "data_base64" in members:
        return Event(_from_base64(members["data_base64"]), attributes)
    content_type = str(attributes.get("ce_datacontenttype") or "").partition(";")[0].strip()
    if "data" not in members:
        raise DecodeError("the CloudEvent has no data")
    if content_type not in JSON_TYPES and not content_type.endswith("+json"):
        raise DecodeError(f"the data of the CloudEvent are {content_type}; expected JSON")
    return Event(bytes(members["data"]), attributes)


def _from_base64(raw: msgspec.Raw) -> bytes:
    try:
        return base64.b64decode(msgspec.json.decode(raw, type=str), validate=True)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise DecodeError(f"the data of the CloudEvent are not Base64: {error}") from error


def new_event(number: int, source: str, position: str, kind: str, time: str | None, content_type: str) -> Headers:
    """Return the headers of a new event in binary mode.

    Args:
        number: of the output among those of its record.
        source: who makes it.
        position: of the record that caused it, which makes the id unique and the same each time.
        kind: the event's type.
        time: as in RFC 3339; None if it is unknown.
        content_type: of the value.
    """
    attributes = {"specversion": "1.0", "id": f"{position}/{number}", "source": source, "type": kind, "time": time}
    headers: Headers = [(PREFIX + name, text.encode()) for name, text in attributes.items() if text is not None]
    return [*headers, (CONTENT_TYPE, content_type.encode())]


def without_event(headers: Headers) -> Headers:
    """Return headers without those of an event."""
    return [header for header in headers if not header[0].startswith(PREFIX) and header[0].lower() != CONTENT_TYPE]
