"""A schema registry: its client, schema ids in messages, and the decoding of messages by their schemas."""

from makiserve.records.registry.client import RegisteredSchema, RegistryClient
from makiserve.records.registry.decoder import Decoded, FormatDecoder, load_decoder
from makiserve.records.registry.loader import BackgroundLoader, DirectLoader, retry

__all__ = [
    "BackgroundLoader",
    "Decoded",
    "DirectLoader",
    "FormatDecoder",
    "RegisteredSchema",
    "RegistryClient",
    "load_decoder",
    "retry",
]
