"""Record types and their codecs. A CSV row and a JSON message give the same typed record or the same error."""

from makiserve.records.record import Record, Schema, field
from makiserve.records.record_file import RecordFile

__all__ = ["Record", "RecordFile", "Schema", "field"]
