"""Messages as typed records, in whichever format each was written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, Protocol

from makiserve.errors import DecodeError
from makiserve.records.record import MAX_JSON_BYTES, Record, Schema
from makiserve.records.registry.client import RegisteredSchema, RegistryClient
from makiserve.records.registry.schema_loader import Load, Loader
from makiserve.records.registry.wire import Encoded, encoding_of, message_indexes, schema_id

InputFormat = Literal["auto", "json", "avro", "json-schema", "protobuf"]

KINDS = {"AVRO": "avro", "JSON": "json-schema", "PROTOBUF": "protobuf"}
"""The input formats by the registry's word for them."""


class Decoded(NamedTuple):
    """Decoded messages.

    Attributes:
        records: the record of each message, or the error for it.
        awaited: the encoded id of the schema that the next message waits for; empty if all messages are decoded.
    """

    records: list[Record | DecodeError]
    awaited: bytes = b""


class PayloadDecoder(Protocol):
    """Decodes data that were written with one schema.

    Attributes:
        titles: the names of the record's fields that the data contain; None if each message names its fields.
    """

    @property
    def titles(self) -> Collection[str] | None: ...

    def decode(self, data: bytes, start: int) -> Record:
        """Return the record in data that begin at `start`.

        Raises:
            DecodeError: the data are damaged or do not fit.
        """


class JsonDecoder:
    """Decodes JSON objects that have a JSON Schema. What they are checked against is the record type alone.

    Args:
        schema: the record type.
    """

    titles = None

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def decode(self, data: bytes, start: int) -> Record:
        return self._schema.decode_json(data[start:])


def load_decoder(client: RegistryClient, schema: Schema, input_format: InputFormat) -> Load[PayloadDecoder]:
    """Return the function that gets a schema from the registry and compiles its decoder."""

    def load(key: bytes) -> PayloadDecoder:
        schema_key = schema_id(key)
        registered = client.schema(schema_key)
        kind = KINDS.get(registered.kind, registered.kind)
        if input_format not in ("auto", kind):
            raise DecodeError(f"schema {schema_key} is {kind}, and --input-format is {input_format}")
        try:
            return compiled_decoder(registered, schema, message_indexes(key))
        except DecodeError as error:
            raise DecodeError(f"schema {schema_key}: {error}") from error

    return load


def compiled_decoder(registered: RegisteredSchema, schema: Schema, indexes: bytes) -> PayloadDecoder:
    """Return the decoder of data that were written with a schema of the registry.

    Args:
        registered: the schema.
        schema: the record type.
        indexes: of a Protobuf message type, if they are not in front of the data.

    Raises:
        DecodeError: no data of this schema can be a record.
    """
    if registered.kind == "AVRO":
        from makiserve.records.avro import AvroDecoder, parse  # slow to import, and not needed for JSON

        return AvroDecoder(parse(registered.text, [reference.text for reference in registered.references]), schema)
    if registered.kind == "JSON":
        return JsonDecoder(schema)
    if registered.kind == "PROTOBUF":
        from makiserve.records.protobuf import ProtobufDecoder, compiled  # as above

        return ProtobufDecoder(compiled(registered.text, registered.references), schema, indexes)
    raise DecodeError(f"messages in the format {registered.kind} cannot be decoded")


class FormatDecoder:
    """Decodes values of one record type by the schema ids that they name; values without one are plain JSON.

    Args:
        schema: the record type.
        loader: gives the decoder of a schema.
        input_format: the only format that is accepted; `auto` accepts all.
    """

    def __init__(self, schema: Schema, loader: Loader[PayloadDecoder], input_format: InputFormat = "auto") -> None:
        self._schema = schema
        self._loader = loader
        self._input_format = input_format

    def is_known(self, key: bytes) -> bool:
        """Return whether values of an encoded schema id can be decoded now, or are known to be undecodable."""
        return self._loader.get(key) is not None

    def decode(self, values: Sequence[bytes | None], headers: Sequence[bytes | None]) -> Decoded:
        """Return the record of each value, or the error for it, up to the first whose schema is not yet known.

        Args:
            values: of messages in order.
            headers: of each message the header with its schema id; None if it has none.
        """
        encodings = [self._encoding(value, header) for value, header in zip(values, headers, strict=True)]
        keys = {encoding.schema for encoding in encodings if isinstance(encoding, Encoded) and encoding.schema}
        decoders = {key: self._loader.get(key) for key in keys}  # all are asked for, also those after an unknown one
        records: list[Record | DecodeError] = []
        awaited = b""
        for value, encoding in zip(values, encodings, strict=True):
            if isinstance(encoding, DecodeError):
                records.append(encoding)
            elif not encoding.schema:
                records += self._schema.decode_messages([value])
            elif (decoder := decoders[encoding.schema]) is None:
                awaited = encoding.schema
                break
            elif isinstance(decoder, DecodeError):
                records.append(decoder)
            else:
                records.append(_decoded(decoder, value or b"", encoding))
        return Decoded(records, awaited)

    def titles(self, value: bytes | None, header: bytes | None) -> Collection[str] | None:
        """Return the names of the record's fields in a value; None if it is JSON."""
        encoding = self._encoding(value, header)
        if isinstance(encoding, DecodeError):
            return ()
        if not encoding.schema:
            return None
        decoder = self._loader.get(encoding.schema)
        return () if decoder is None or isinstance(decoder, DecodeError) else decoder.titles

    def _encoding(self, value: bytes | None, header: bytes | None) -> Encoded | DecodeError:
        if value is None:
            return DecodeError("the message has no value")
        try:
            encoding = encoding_of(value, header)
        except DecodeError as error:
            return error
        if not encoding.schema and self._input_format not in ("auto", "json"):
            return DecodeError(f"the value is plain JSON, and --input-format is {self._input_format}")
        if len(value) > MAX_JSON_BYTES:
            return DecodeError(f"a value of {len(value):,} bytes, more than {MAX_JSON_BYTES:,}")
        return encoding


def _decoded(decoder: PayloadDecoder, value: bytes, encoding: Encoded) -> Record | DecodeError:
    try:
        return decoder.decode(value, encoding.start)
    except DecodeError as error:
        return error
