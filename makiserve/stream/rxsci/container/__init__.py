"""File formats as streams of rows."""

from makiserve.stream.rxsci.container import csv, json, parquet

__all__ = ["csv", "json", "parquet"]
