"""Parquet files as streams of dicts."""

from makiserve.stream.container.parquet.dump_to_file import dump_to_file
from makiserve.stream.container.parquet.load_from_file import load_from_file

__all__ = ["dump_to_file", "load_from_file"]
