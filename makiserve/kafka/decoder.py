"""Messages as typed records: plain JSON, or what a schema registry describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.kafka.message import Message, Unreadable, read_headers
from makiserve.records import Schema
from makiserve.records.registry import (
    BackgroundLoader,
    Decoded,
    DirectLoader,
    FormatDecoder,
    RegistryClient,
    load_decoder,
    retry,
)
from makiserve.records.registry.wire import VALUE_HEADER, SchemaId, encoding_of, schema_id
from makiserve.records.unseen import UnseenFields
from makiserve.settings import BrokerSettings


class MessageDecoder:
    """Decodes messages to records of one type.

    Args:
        schema: the record type.
        formats: decodes values with a schema id; None if all values are plain JSON.
        close: called by `close`.
    """

    def __init__(
        self, schema: Schema, formats: FormatDecoder | None = None, close: Callable[[], None] = lambda: None
    ) -> None:
        self._schema = schema
        self._formats = formats
        self.close = close

    def decode(self, messages: Sequence[Message]) -> Decoded:
        """Return the record of each message, or a `DecodeError` if the message does not fit or cannot be read.

        The records end before the first message whose schema is not yet known. That only happens with a decoder from
        `background_decoder`.
        """
        values = [message.value() for message in messages]
        if self._formats is None:
            found = Decoded(self._schema.decode_messages(values))
        else:
            found = self._formats.decode(values, [_schema_header(message) for message in messages])
        if Unreadable in set(map(type, messages)):
            for index, message in enumerate(messages[: len(found.records)]):
                if isinstance(message, Unreadable):
                    found.records[index] = DecodeError(message.trouble)
        return found

    def is_known(self, awaited: bytes) -> bool:
        """Return whether the messages that waited for a schema can be decoded now; see `Decoded`."""
        return self._formats is None or self._formats.is_known(awaited)

    def see(self, messages: Sequence[Message], unseen: UnseenFields) -> None:
        """Mark the optional fields that occur in messages as seen."""
        if self._formats is None:
            unseen.see_messages([message.value() for message in messages])
            return
        for message in messages:
            titles = self._formats.titles(message.value(), _schema_header(message))
            if titles is None:
                unseen.see_messages([message.value()])
            else:
                unseen.see_titles(titles)


def direct_decoder(schema: Schema, broker: BrokerSettings) -> MessageDecoder:
    """Return a decoder that waits for the registry, each time for at most `broker.startup_timeout`.

    Raises:
        ConfigurationError: the settings of the registry are wrong.
    """
    if (client := registry_client(broker)) is None:
        return MessageDecoder(schema)
    load = load_decoder(client, schema, broker.input_format)
    return MessageDecoder(
        schema, FormatDecoder(schema, DirectLoader(load, broker.startup_timeout), broker.input_format)
    )


def background_decoder(schema: Schema, broker: BrokerSettings) -> MessageDecoder:
    """Return a decoder that never waits for the registry.

    Raises:
        ConfigurationError: the settings of the registry are wrong.
    """
    if (client := registry_client(broker)) is None:
        return MessageDecoder(schema)
    loader = BackgroundLoader(load_decoder(client, schema, broker.input_format))
    return MessageDecoder(schema, FormatDecoder(schema, loader, broker.input_format), loader.close)


def check_registry(broker: BrokerSettings) -> str | None:
    """Check that the schema registry answers; return its URL, or None if there is none.

    Raises:
        SchemaRegistryUnavailable: it does not answer within `broker.startup_timeout`.
        ConfigurationError: it refuses the credentials, or the settings are wrong.
    """
    if (client := registry_client(broker)) is None:
        return None
    retry(client.check, broker.startup_timeout)
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
        encoding = encoding_of(message.value() or b"", _schema_header(message))
    except DecodeError:
        return None
    return schema_id(encoding.schema) if encoding.schema else None


def _schema_header(message: Message) -> bytes | None:
    """Return the header with the schema id of the value; None if there is none."""
    return next((value or b"" for name, value in read_headers(message).headers if name == VALUE_HEADER), None)
