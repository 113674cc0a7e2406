"""`container.parquet.load_from_file`: the rows of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from makiserve.stream.arguments import whole_number
from makiserve.stream.io.opened import File, Open, opened
from makiserve.stream.io.source import source
from makiserve.stream.reactive import rx


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
            content = pq.ParquetFile(file, decryption_properties=decryption_properties)
            for batch in content.iter_batches(batch_size, use_threads=False):
                yield from batch.to_pylist()

    return source(rows)
