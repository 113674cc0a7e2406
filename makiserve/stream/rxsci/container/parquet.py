"""Parquet files as streams of dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.trace import Transform
from makiserve.stream.reactive import rx
from makiserve.stream.rxsci.io.opened import File, Open, opened
from makiserve.stream.rxsci.io.read import source
from makiserve.stream.rxsci.io.write import sink

__all__ = ["dump_to_file", "load_from_file"]


def load_from_file(
    filename: File,
    batch_size: int = 1024,
    decryption_properties: pq.FileDecryptionProperties | None = None,
    open_obj: Open = open,
) -> rx.Observable:
    """Emit the rows of a Parquet file as dicts.

    ```
      load_from_file("file.parquet")
    --{'a': 1}--{'a': 2}--|
    ```

    Args:
        filename: a path, or a file open for bytes, which is left open.
        batch_size: the number of rows to read at once, which bounds the memory used.
        decryption_properties: pyarrow's, for an encrypted file.
        open_obj: the function that opens the path for bytes.

    *Emits* a dict for each row. *State* none: it is the source of a stream. *Raises*, as the stream's error, what
    opening the file and pyarrow raise.

    Raises:
        PipelineError: batch_size is not an integer of at least 1.

    >>> import io, pyarrow as pa, pyarrow.parquet as pq, makiserve.stream as rs
    >>> file = io.BytesIO()
    >>> pq.write_table(pa.table({"a": [1, 2]}), file)
    >>> rs.container.parquet.load_from_file(file).subscribe(print).dispose()
    {'a': 1}
    {'a': 2}
    """
    batch_size = whole_number(batch_size, "parquet.load_from_file: batch_size")

    def rows() -> Iterator[dict[str, Any]]:
        with opened(filename, "rb", open_obj=open_obj) as file:
            content = pq.ParquetFile(file, decryption_properties=decryption_properties, pre_buffer=False)
            for batch in content.iter_batches(batch_size, use_threads=False):
                yield from batch.to_pylist()

    return source(rows)


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
