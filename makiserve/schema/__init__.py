"""Record types and their codecs: the same typed record, or the same error, from a CSV row and a JSON message."""

from makiserve.schema.read import RecordFile
from makiserve.schema.record import Record, Schema, field

__all__ = ["Record", "RecordFile", "Schema", "field"]
