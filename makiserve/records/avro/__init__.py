"""Avro data as typed records, and typed outputs as Avro data."""

from makiserve.records.avro.decoder import AvroDecoder
from makiserve.records.avro.encoder import AvroEncoder
from makiserve.records.avro.schema import AvroSchema, parse

__all__ = ["AvroDecoder", "AvroEncoder", "AvroSchema", "parse"]
