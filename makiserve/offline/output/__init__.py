"""The output file of a replay: CSV, Parquet or JSON lines. It appears only when it is complete."""

from makiserve.offline.output.output_file import OutputFile, output_file
from makiserve.offline.output.writers import column_titles, columns_of

__all__ = ["OutputFile", "column_titles", "columns_of", "output_file"]
