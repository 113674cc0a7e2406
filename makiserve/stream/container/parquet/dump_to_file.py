"""`container.parquet.dump_to_file`: a stream of rows into a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.trace import Transform
from makiserve.stream.io.opened import File, Open, opened
from makiserve.stream.io.sink import sink


def dump_to_file(
    filename: File,
    schema: pa.Schema,
    batch_size: int = 1024,
    row_group_size: int | None = None,
    compression: str | None = "snappy",
    encryption_properties: pq.FileEncryptionProperties | None = None,
    open_obj: Open = open,
) -> Transform:
    """Write each row to a Parquet file, once (RxSci writes the last batch twice if the batches come out even).

    ```
    --{'a': 1}--{'a': 2}--|
      dump_to_file("file.parquet", schema)
    ----------------------|
    ```

    Args:
        filename: a path, or a file open for bytes, which is left open.
        schema: the columns and their types; a key that a row lacks is null, a key that the schema lacks is left out.
        batch_size: the number of rows to write at once, at least 1; they become one row group or several.
        row_group_size: the maximum number of rows of a row group; None for no bound.
        compression: none, snappy, gzip, brotli, lz4 or zstd.
        encryption_properties: pyarrow's, for an encrypted file.
        open_obj: the function that opens the path for bytes.

    *Emits* nothing; completes when the file is closed. *State* an open file and a batch: it does not run in a lane.
    *Raises*, as the stream's error, what opening the file and pyarrow raise: for a value that is not of its column's
    type, for instance.

    Raises:
        PipelineError: a size is not an integer of at least 1, or it is applied in a traced pipeline.

    >>> import io, pyarrow as pa, pyarrow.parquet as pq, rx, makiserve.stream as rs
    >>> file, schema = io.BytesIO(), pa.schema({"a": pa.int64()})
    >>> dump_to_file = rs.container.parquet.dump_to_file(file, schema)
    >>> rx.from_([{"a": 1}, {"a": 2}]).pipe(dump_to_file).subscribe().dispose()
    >>> pq.read_table(file).to_pylist()
    [{'a': 1}, {'a': 2}]
    """
    batch_size = whole_number(batch_size, "parquet.dump_to_file: batch_size")
    if row_group_size is not None:
        row_group_size = whole_number(row_group_size, "parquet.dump_to_file: row_group_size")

    @contextmanager
    def opening() -> Iterator[Callable[[Any], Any]]:
        options = {"compression": compression or "none", "encryption_properties": encryption_properties}
        rows: list[Mapping[str, Any]] = []

        def flush() -> None:
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema), row_group_size)
            rows.clear()

        def write(row: Mapping[str, Any]) -> None:
            rows.append(row)
            if len(rows) == batch_size:
                flush()

        with opened(filename, "wb", open_obj=open_obj) as file, pq.ParquetWriter(file, schema, **options) as writer:
            yield write
            if rows:
                flush()

    return sink("parquet.dump_to_file", opening)
