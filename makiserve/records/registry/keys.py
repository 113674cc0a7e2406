"""The keys of messages, in any format that values may have, or as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.records.record import Record, Schema
from makiserve.records.registry.client import RegisteredSchema, RegistryClient
from makiserve.records.registry.format_decoder import PayloadDecoder, compiled_decoder
from makiserve.records.registry.schema_loader import Load, Loader
from makiserve.records.registry.wire import Encoded, encoding_of, message_indexes, schema_id

WHOLE, PART = "__key", "__key."
"""The names of a record's field that has the whole key, and the prefix of one that has a field of the key."""


MakeLoader = Callable[[Load[PayloadDecoder]], Loader[PayloadDecoder]]


class DecodedKeys(NamedTuple):
    """Decoded keys.

    Attributes:
        contexts: for each message the values of the context by name, or the error for its key.
        awaited: the encoded id of the schema that the next key waits for; empty if all keys are decoded.
    """

    contexts: list[dict[str, Any] | DecodeError]
    awaited: bytes = b""


class KeyDecoder:
    """Decodes keys by the schema ids that they name; keys without one are JSON objects or text.

    Args:
        names: the names of the record's fields that have the key or parts of it.
        is_text: whether a whole key without a schema is text; it is a JSON value otherwise.
        client: of the registry; None if no key has a schema.
        loader: makes a loader of what the given function returns for a schema id.
    """

    def __init__(
        self, names: Sequence[str], client: RegistryClient | None, loader: MakeLoader, *, is_text: bool
    ) -> None:
        if WHOLE in names and len(names) > 1:
            raise ConfigurationError(f"the record type declares {WHOLE} and fields of it: declare one or the other")
        self._is_whole, self._is_text = WHOLE in names, is_text
        titles = [WHOLE] if self._is_whole else [name.removeprefix(PART) for name in names]
        fields = [
            (f"field_{index}", Any, msgspec.field(name=title, default=None)) for index, title in enumerate(titles)
        ]
        kind: Any = msgspec.defstruct("Key", fields, bases=(Record,), frozen=True)
        self._names, self._schema = tuple(names), Schema(kind)
        self._loader: Loader[PayloadDecoder] | None = loader(self._load(client)) if client else None

    def is_known(self, key: bytes) -> bool:
        """Return whether keys of an encoded schema id can be decoded now, or are known to be undecodable."""
        return self._loader is None or self._loader.get(key) is not None

    def decode(self, keys: Sequence[bytes | None], headers: Sequence[bytes | None]) -> DecodedKeys:
        """Return the values of each key by name, or the error for it, up to the first whose schema is not yet known.

        Args:
            keys: of messages in order.
            headers: of each message the header with the schema id of its key; None if it has none.
        """
        decoded: list[dict[str, Any] | DecodeError] = []
        for key, header in zip(keys, headers, strict=True):
            try:
                if (encoding := self._encoding(key, header)) is None:
                    decoded.append(self._plain(key))
                    continue
                decoder = self._loader.get(encoding.schema) if self._loader else None
                if decoder is None:
                    return DecodedKeys(decoded, encoding.schema)
                if isinstance(decoder, DecodeError):
                    raise decoder
                decoded.append(self._values(decoder.decode(key or b"", encoding.start)))
            except DecodeError as error:
                decoded.append(DecodeError(f"the key of the message: {error}"))
        return DecodedKeys(decoded)

    def _encoding(self, key: bytes | None, header: bytes | None) -> Encoded | None:
        """Return how a key is encoded; None if it has no schema."""
        if key is None or self._loader is None or (header is None and key[:1] not in (b"\0", b"\1")):
            return None
        return encoding_of(key, header, "key")

    def _plain(self, key: bytes | None) -> dict[str, Any]:
        if key is None:
            return {}
        if self._is_whole:
            try:
                return {WHOLE: key.decode() if self._is_text else msgspec.json.decode(key)}
            except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
                raise DecodeError(
                    f"not {'text in UTF-8' if self._is_text else 'a JSON value'}: {key[:40]!r}"
                ) from error
        return self._values(self._schema.decode_json(key))

    def _values(self, record: Record) -> dict[str, Any]:
        return dict(zip(self._names, msgspec.structs.astuple(record), strict=True))

    def _load(self, client: RegistryClient) -> Load[PayloadDecoder]:
        def load(key: bytes) -> PayloadDecoder:
            registered = client.schema(schema_id(key))
            if not self._is_whole:
                return compiled_decoder(registered, self._schema, message_indexes(key))
            return self._whole(registered)

        return load

    def _whole(self, registered: RegisteredSchema) -> PayloadDecoder:
        """Return the decoder of keys as records with one field, whose data are those of the field alone."""
        if registered.kind == "JSON":
            return _WholeJson()
        if registered.kind == "AVRO":
            text = (
                f'{{"type": "record", "name": "__Key", "fields": [{{"name": "{WHOLE}", "type": {registered.text}}}]}}'
            )
            return compiled_decoder(registered._replace(text=text), self._schema, b"")
        raise DecodeError(f"a {registered.kind} key has fields: declare one, such as {PART}house")


class _WholeJson:
    """Decodes JSON keys of any type."""

    titles = None

    def __init__(self) -> None:
        self._kind: Any = msgspec.defstruct("Key", [("value", Any)])

    def decode(self, data: bytes, start: int) -> Any:
        try:
            return self._kind(msgspec.json.decode(data[start:]))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise DecodeError(f"not JSON: {error}") from error
