"""Record types and their codecs: the same typed record, or the same error, from a CSV row and a JSON message."""

from makiserve.records.file import RecordFile
from makiserve.records.record import Record, Schema, field

__all__ = ["Record", "RecordFile", "Schema", "field"]
