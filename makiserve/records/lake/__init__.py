"""Tables of a data lake: Delta, Iceberg, and folders of Parquet files with partitions in their names."""

from makiserve.records.lake.lake_table import LakeTable, is_table, open_table, read_table, required_order

__all__ = ["LakeTable", "is_table", "open_table", "read_table", "required_order"]
