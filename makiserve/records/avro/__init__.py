"""Avro data as typed records: the schema of the writer, compiled with the record type to one function."""

from makiserve.records.avro.decoder import AvroDecoder
from makiserve.records.avro.schema import AvroSchema, parse

__all__ = ["AvroDecoder", "AvroSchema", "parse"]
