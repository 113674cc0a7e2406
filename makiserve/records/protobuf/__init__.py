"""Protobuf data as typed records, by schemas that protoc compiles while the service runs."""

from makiserve.records.protobuf.decoder import ProtobufDecoder
from makiserve.records.protobuf.schema import ProtobufSchema, compiled

__all__ = ["ProtobufDecoder", "ProtobufSchema", "compiled"]
