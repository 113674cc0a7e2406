"""A schema registry: its client, schema ids in messages, and the decoding of messages by their schemas."""

from makiserve.records.registry.client import RegisteredSchema, RegistryClient
from makiserve.records.registry.format_decoder import Decoded, FormatDecoder, load_decoder
from makiserve.records.registry.payload_encoder import (
    KINDS,
    Encode,
    PayloadEncoder,
    SchemaFormat,
    find_schema,
    payload_encoder,
    with_id,
)
from makiserve.records.registry.schema_loader import BackgroundLoader, DirectLoader, retry

__all__ = [
    "KINDS",
    "BackgroundLoader",
    "Decoded",
    "DirectLoader",
    "Encode",
    "FormatDecoder",
    "PayloadEncoder",
    "RegisteredSchema",
    "RegistryClient",
    "SchemaFormat",
    "find_schema",
    "load_decoder",
    "payload_encoder",
    "retry",
    "with_id",
]
