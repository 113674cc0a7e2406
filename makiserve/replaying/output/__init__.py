"""What a replay writes: CSV, Parquet or JSON lines, whole or not there at all."""

from makiserve.replaying.output.columns import columns_of
from makiserve.replaying.output.file import OutputFile, output_file

__all__ = ["OutputFile", "columns_of", "output_file"]
