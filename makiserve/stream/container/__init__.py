"""File formats as streams of rows."""

from makiserve.stream.container import csv, json, parquet

__all__ = ["csv", "json", "parquet"]
