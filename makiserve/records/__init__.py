"""Record types and their codecs. A CSV row and a JSON message give the same typed record or the same error."""

from makiserve.records.file import RecordFile
from makiserve.records.record import Record, Schema, field

__all__ = ["Record", "RecordFile", "Schema", "field"]
