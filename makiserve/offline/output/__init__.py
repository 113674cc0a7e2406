"""What a replay writes: CSV, Parquet or JSON lines, whole or not there at all."""

from makiserve.offline.output.file import OutputFile, output_file
from makiserve.offline.output.writers import columns_of

__all__ = ["OutputFile", "columns_of", "output_file"]
