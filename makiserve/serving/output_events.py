"""The outputs as CloudEvents in binary mode: the attributes of their records, or those of new events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from msgspec.structs import replace

from makiserve.errors import DecodeError
from makiserve.kafka import Headers, Message
from makiserve.records.cloud_events import (
    CONTENT_TYPE,
    PREFIX,
    attributes_in,
    event_from_structured,
    is_structured,
    new_event,
    without_event,
)
from makiserve.serving.messages import RecordOrigin
from makiserve.settings import ServeSettings

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
CONTENT_TYPES = {"json": "application/json", "json-schema": "application/json", "avro": "application/avro"}


class OutputEvents:
    """Makes the headers of outputs. An output of a record that is not an event keeps the headers of its record.

    Args:
        settings: the type of new events, the format of the outputs, and their topic.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._type, self._source = settings.event_type, f"/makiserve/{settings.output}"
        self._content_type = CONTENT_TYPES[settings.output_format]

    def origins(self, origins: Sequence[RecordOrigin], messages: Sequence[Message]) -> Sequence[RecordOrigin]:
        """Return what each output of a batch takes from its record, with the headers of an event.

        Args:
            origins: of each output.
            messages: the record of each output.
        """
        if self._type is None:
            if not any(origin.headers for origin in origins):
                return origins
            return [self._passed_on(origin, message) for origin, message in zip(origins, messages, strict=True)]
        count: Counter[bytes] = Counter()
        with_headers = []
        for origin in origins:
            position = origin.source[1] or b""
            with_headers.append(replace(origin, headers=self._new(self._type, origin, count[position])))
            count[position] += 1
        return with_headers

    def _new(self, kind: str, origin: RecordOrigin, number: int) -> Headers:
        position, time = (origin.source[1] or b"").decode(), _time(origin.time_ms)
        return [
            *without_event(origin.headers),
            *new_event(number, self._source, position, kind, time, self._content_type),
        ]

    def _passed_on(self, origin: RecordOrigin, message: Message) -> RecordOrigin:
        """Return an origin with the attributes of its event, and the content type of the output."""
        if not origin.headers:
            return origin
        if is_structured(origin.headers):
            attributes = _attributes(message)
        elif "ce_id" in (attributes := attributes_in(origin.headers)):
            attributes.pop("ce_datacontenttype", None)
        else:
            return origin
        event_headers = [(name, str(value).encode()) for name, value in attributes.items() if value is not None]
        event_headers.append((CONTENT_TYPE, self._content_type.encode()))
        return replace(origin, headers=[*without_event(origin.headers), *event_headers])


def _attributes(message: Message) -> dict[str, object]:
    """Return the attributes of an event in structured mode; its data were decoded already."""
    try:
        attributes = event_from_structured(message.value() or b"").attributes
    except DecodeError:
        return {}
    return {name: value for name, value in attributes.items() if name != f"{PREFIX}datacontenttype"}


def _time(time_ms: int) -> str | None:
    """Return a timestamp as in RFC 3339; None if it is in no year that it allows."""
    try:
        return (EPOCH + timedelta(milliseconds=time_ms)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return None
