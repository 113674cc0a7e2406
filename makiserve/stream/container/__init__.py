"""File formats as streams of rows."""

from makiserve.stream.container import csv

__all__ = ["csv"]
