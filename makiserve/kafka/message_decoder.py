"""Messages as typed records: plain JSON, or what a schema registry describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from makiserve.errors import ConfigurationError, DecodeError, SchemaRegistryUnavailable
from makiserve.kafka.message import Message, Unreadable, read_headers
from makiserve.records import Record, Schema
from makiserve.records.cloud_events import MARK, Event, attributes_in, event_from_structured, is_structured
from makiserve.records.message_context import ContextFields, context_fields
from makiserve.records.registry import (
    BackgroundLoader,
    Decoded,
    DirectLoader,
    FormatDecoder,
    RegistryClient,
    load_decoder,
    retry,
)
from makiserve.records.registry.format_decoder import PayloadDecoder
from makiserve.records.registry.keys import KeyDecoder, MakeLoader
from makiserve.records.registry.schema_loader import Load
from makiserve.records.registry.wire import KEY_HEADER, VALUE_HEADER, SchemaId, encoding_of, schema_id
from makiserve.records.unseen import UnseenFields
from makiserve.settings import BrokerSettings

KeyOf = Callable[[Message], "bytes | None"]
"""Returns the key that the producer of a message gave it."""


def own_key(message: Message) -> bytes | None:
    """Return the key of a message."""
    return message.key()


class MessageDecoder:
    """Decodes messages to records of one type.

    Args:
        schema: the record type of the values.
        formats: decodes values with a schema id; None if all values are plain JSON.
        context: the fields of the record that do not come from the value; None if there are none.
        keys: decodes the keys; None if no field comes from them.
        key_of: returns the key of a message that fields come from.
        close: called by `close`.
    """

    def __init__(
        self,
        schema: Schema,
        formats: FormatDecoder | None = None,
        context: ContextFields | None = None,
        keys: KeyDecoder | None = None,
        key_of: KeyOf = own_key,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._schema = schema
        self._formats = formats
        self._context, self._keys, self._key_of = context, keys, key_of
        self.close = close

    def decode(self, messages: Sequence[Message]) -> Decoded:
        """Return the record of each message, or a `DecodeError` if the message does not fit or cannot be read.

        The records end before the first message whose schema is not yet known. That only happens with a decoder from
        `background_decoder`.
        """
        values = [message.value() for message in messages]
        events = _taken_apart(messages, values)
        if self._formats is None:
            decoded = Decoded(self._schema.decode_messages(values))
        else:
            decoded = self._formats.decode(values, [_header(message, VALUE_HEADER) for message in messages])
        for index, event in events.items():
            if isinstance(event, DecodeError) and index < len(decoded.records):
                decoded.records[index] = event
        if self._context:
            decoded = self._joined(self._context, messages, decoded, events)
        if Unreadable in set(map(type, messages)):
            for index, message in enumerate(messages[: len(decoded.records)]):
                if isinstance(message, Unreadable):
                    decoded.records[index] = DecodeError(message.trouble)
        return decoded

    def _joined(
        self,
        context: ContextFields,
        messages: Sequence[Message],
        decoded: Decoded,
        events: Mapping[int, Event | DecodeError],
    ) -> Decoded:
        """Return the records with their context fields, up to the first whose key's schema is not yet known."""
        records, awaited = decoded
        keys: Sequence[dict[str, Any] | DecodeError] = [{}] * len(records)
        if self._keys:
            shown = messages[: len(records)]
            headers = [_header(message, KEY_HEADER) for message in shown]
            keys, waiting = self._keys.decode([self._key_of(message) for message in shown], headers)
            awaited = waiting or awaited
        joined: list[Record | DecodeError] = []
        for index, (record, key) in enumerate(zip(records, keys, strict=False)):  # the keys may end earlier
            event = events.get(index)
            if isinstance(record, DecodeError) or isinstance(key, DecodeError):
                joined.append(record if isinstance(record, DecodeError) else key)  # type: ignore[arg-type]
                continue
            attributes = event.attributes if isinstance(event, Event) else _attributes(context, messages[index])
            joined.append(context.joined(record, {**attributes, **key}))
        return Decoded(joined, awaited)

    def is_known(self, awaited: bytes) -> bool:
        """Return whether the messages that waited for a schema can be decoded now; see `Decoded`."""
        return all(decoder is None or decoder.is_known(awaited) for decoder in (self._formats, self._keys))

    def mark_seen(self, messages: Sequence[Message], unseen: UnseenFields) -> None:
        """Mark the optional fields that occur in messages as seen, and those that do not come from their values."""
        if self._context:
            unseen.see_titles(self._context.names)
        values = [message.value() for message in messages]
        _taken_apart(messages, values)
        if self._formats is None:
            unseen.see_messages(values)
            return
        for message, value in zip(messages, values, strict=True):
            titles = self._formats.titles(value, _header(message, VALUE_HEADER))
            if titles is None:
                unseen.see_messages([value])
            else:
                unseen.see_titles(titles)


def _attributes(context: ContextFields, message: Message) -> dict[str, Any]:
    return attributes_in(read_headers(message).headers) if context.has_attributes else {}


def direct_decoder(schema: Schema, broker: BrokerSettings, key_of: KeyOf = own_key) -> MessageDecoder:
    """Return a decoder that waits for the registry, each time for at most `broker.startup_timeout`.

    Args:
        schema: the record type.
        broker: how to reach the registry.
        key_of: returns the key of a message that fields come from.

    Raises:
        ConfigurationError: the settings of the registry are wrong.
    """
    return _decoder(schema, broker, lambda load: DirectLoader(load, broker.startup_timeout), key_of)


def background_decoder(schema: Schema, broker: BrokerSettings, key_of: KeyOf = own_key) -> MessageDecoder:
    """Return a decoder that never waits for the registry.

    Args:
        schema: the record type.
        broker: how to reach the registry.
        key_of: returns the key of a message that fields come from.

    Raises:
        ConfigurationError: the settings of the registry are wrong.
    """
    loaders: list[BackgroundLoader[PayloadDecoder]] = []

    def background(load: Load[PayloadDecoder]) -> BackgroundLoader[PayloadDecoder]:
        loaders.append(BackgroundLoader(load))
        return loaders[-1]

    def close() -> None:
        for loader in loaders:
            loader.close()

    return _decoder(schema, broker, background, key_of, close)


def _decoder(
    schema: Schema,
    broker: BrokerSettings,
    loader: MakeLoader,
    key_of: KeyOf = own_key,
    close: Callable[[], None] = lambda: None,
) -> MessageDecoder:
    client, context = registry_client(broker), context_fields(schema)
    data, keys, formats = context.data if context else schema, None, None
    if context and context.keys:
        keys = KeyDecoder(context.keys, client, loader, is_text=context.has_text_key)
    if client:
        load = load_decoder(client, data, broker.input_format)
        formats = FormatDecoder(data, loader(load), broker.input_format)
    return MessageDecoder(data, formats, context, keys, key_of, close)


def check_registry(broker: BrokerSettings) -> str | None:
    """Check that the schema registry answers; return its URL, or None if there is none.

    Raises:
        SchemaRegistryUnavailable: it does not answer within `broker.startup_timeout`.
        ConfigurationError: it refuses the credentials, or the settings are wrong.
    """
    if (client := registry_client(broker)) is None:
        return None
    try:
        retry(client.check, broker.startup_timeout)
    except SchemaRegistryUnavailable as error:
        raise SchemaRegistryUnavailable(
            f"{error}. No message with a schema can be decoded without it: check its address, --schema-registry, or "
            "give it more time with --startup-timeout"
        ) from error
    return client.url


def registry_client(broker: BrokerSettings) -> RegistryClient | None:
    """Return the client of the schema registry; None if there is none.

    Raises:
        ConfigurationError: the settings of the registry are wrong.
    """
    if broker.schema_registry is not None:
        return RegistryClient(broker.schema_registry, broker.registry_options)
    if broker.input_format not in ("auto", "json"):
        raise ConfigurationError(f"--input-format {broker.input_format} needs --schema-registry, the registry's URL")
    return None


def schema_of(message: Message) -> SchemaId | None:
    """Return the id of the schema that a message names; None if it names none that can be read."""
    try:
        encoding = encoding_of(message.value() or b"", _header(message, VALUE_HEADER))
    except DecodeError:
        return None
    return schema_id(encoding.schema) if encoding.schema else None


def _header(message: Message, title: str) -> bytes | None:
    """Return the value of a header; None if there is none."""
    return next((value or b"" for name, value in read_headers(message).headers if name == title), None)


def _taken_apart(messages: Sequence[Message], values: list[bytes | None]) -> dict[int, Event | DecodeError]:
    """Replace the values that are events in structured mode by their data, and return the events, or their errors."""
    events: dict[int, Event | DecodeError] = {}
    for index, value in enumerate(values):
        if value is None or MARK not in value or not is_structured(read_headers(messages[index]).headers):
            continue
        try:
            event = events[index] = event_from_structured(value)
            values[index] = event.data
        except DecodeError as error:
            events[index], values[index] = error, None
    return events
