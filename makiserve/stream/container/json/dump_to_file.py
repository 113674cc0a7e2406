"""`container.json.dump_to_file`: a stream of objects into a JSON file."""

from __future__ import annotations

from makiserve.errors import PipelineError
from makiserve.stream.compression import z, zstd
from makiserve.stream.container.json.dump import dump
from makiserve.stream.container.json.load_from_file import Compression
from makiserve.stream.engine.trace import Transform
from makiserve.stream.io.encoded import encoded
from makiserve.stream.io.opened import File, Open
from makiserve.stream.io.sink import CANNOT_BE_TAKEN_BACK
from makiserve.stream.io.write import write
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import compose

COMPRESSORS = {"gzip": z.compress, "zstd": zstd.compress}


def dump_to_file(
    filename: File,
    newline: str = "\n",
    encoding: str = "utf-8",
    compression: Compression | None = None,
    open_obj: Open = open,
) -> Transform:
    r"""Write each object to a file as a line of JSON.

    ```
    --{'a': 1}--{'a': 2}--|
      dump_to_file("file.json")
    ----------------------|
    ```

    Args:
        filename: a path, or a file open for bytes, which is left open.
        newline: the end of a line.
        encoding: the encoding of the text.
        compression: the compression of the file; None for no compression.
        open_obj: the function that opens the path for bytes.

    *Emits* nothing; completes when the file is closed. *State* an open file: it does not run in a lane. *Raises*, as
    the stream's error, what `dump`, opening and writing raise.

    Raises:
        PipelineError: the compression is unknown, or it is applied in a traced pipeline.

    >>> import io, rx, makiserve.stream as rs
    >>> file = io.BytesIO()
    >>> rx.from_([{"a": 1}, {"a": 2}]).pipe(rs.container.json.dump_to_file(file)).subscribe().dispose()
    >>> file.getvalue()
    b'{"a":1}\n{"a":2}\n'
    """
    if compression is not None and compression not in COMPRESSORS:
        raise PipelineError(f"json.dump_to_file: compression must be gzip, zstd or None, not {compression!r}")
    compressing = [] if compression is None else [COMPRESSORS[compression]()]
    steps = compose(dump(newline), encoded(encoding), *compressing, write(filename, "wb", open_obj=open_obj))
    return subscribed_only("json.dump_to_file", CANNOT_BE_TAKEN_BACK, steps)
