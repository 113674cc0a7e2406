"""Outputs in a format with a schema: each value after the id of its registered schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import msgspec

from makiserve.errors import ConfigurationError, SchemaNotFound
from makiserve.records.registry.client import RegisteredSchema, RegistryClient
from makiserve.records.registry.wire import id_prefix

SchemaFormat = Literal["avro", "json-schema"]
KINDS: dict[SchemaFormat, str] = {"avro": "AVRO", "json-schema": "JSON"}
"""The registry's word for each format."""

Encode = Callable[[Any], bytes]
Hook = Callable[[Any], Any]
"""Converts values that msgspec does not know, such as those of numpy."""


class PayloadEncoder(Protocol):
    """Encodes values of one type.

    Attributes:
        text: the schema.
    """

    text: str

    def encode(self, value: Any) -> bytes:
        """Return the data of a value.

        Raises:
            ValueError: the value is not of the type.
            TypeError: a part of it is of a type that cannot be encoded.
            OverflowError: an integer is out of range.
        """


class JsonEncoder:
    """Encodes values of one type as JSON, and checks each with the type.

    Args:
        kind: the type, a Struct; its name and docstring, and the descriptions of its fields, are in the schema.
        hook: converts values that msgspec does not know.

    Attributes:
        text: the JSON Schema.
    """

    def __init__(self, kind: type[msgspec.Struct], hook: Hook) -> None:
        schema = msgspec.json.schema(kind)
        try:
            whole = _inlined(schema, schema["$defs"])
        except RecursionError:
            raise ConfigurationError(
                f"--output-format json-schema: {kind.__name__} contains a type that contains itself; choose what to "
                "publish with --emit"
            ) from None
        dialect = "https://json-schema.org/draft/2020-12/schema"
        self.text = msgspec.json.encode({"$schema": dialect, **whole}).decode()
        self._encode = msgspec.json.Encoder(enc_hook=hook).encode
        self._check = msgspec.json.Decoder(kind).decode

    def encode(self, value: Any) -> bytes:
        data = self._encode(value)
        self._check(data)
        return data


def payload_encoder(schema_format: SchemaFormat, kind: type[msgspec.Struct], hook: Hook) -> PayloadEncoder:
    """Return the encoder of a format for values of a type."""
    if schema_format == "avro":
        from makiserve.records.avro.encoder import AvroEncoder  # slow to import, and not needed for JSON

        return AvroEncoder(kind, hook)
    return JsonEncoder(kind, hook)


def find_schema(client: RegistryClient, subject: str, schema: RegisteredSchema) -> int | None:
    """Return the id of a schema; None if the subject does not have it yet, but accepts it as its next version.

    Raises:
        ModelRefused: the schema is not compatible with those before it.
        SchemaRegistryUnavailable: the registry does not answer as it should.
        ConfigurationError: the registry refuses the credentials.
    """
    try:
        return client.id_in(subject, schema)
    except SchemaNotFound:
        client.check_compatibility(subject, schema)
        return None


def with_id(number: int, encode: Encode) -> Encode:
    """Return a function that encodes values and puts the id of their schema in front."""
    prefix = id_prefix(number)
    return lambda value: prefix + encode(value)


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema with each reference to a definition replaced by it; registries compare such schemas better."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        title = schema["$ref"].rpartition("/")[2]
        rest = {key: value for key, value in schema.items() if key not in ("$ref", "$defs")}
        return _inlined(definitions[title], definitions) | rest
    return {key: _inlined(value, definitions) for key, value in schema.items() if key != "$defs"}
