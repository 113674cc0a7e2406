"""`container.json.load_from_file`: the objects of a JSON file."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from makiserve.errors import PipelineError
from makiserve.stream.compression.machine import Machine, through
from makiserve.stream.compression.z import gzip_decompressor
from makiserve.stream.compression.zstd import zstd_decompressor
from makiserve.stream.container.json.load import load
from makiserve.stream.framing import line
from makiserve.stream.io.opened import CHUNK_BYTES, File, Open, opened
from makiserve.stream.io.source import source
from makiserve.stream.reactive import rx

Compression = Literal["gzip", "zstd"]
DECOMPRESSORS: dict[str, Callable[[], Machine]] = {"gzip": gzip_decompressor, "zstd": zstd_decompressor}


def load_from_file(
    filename: File,
    lines: bool = True,
    skip: int = 0,
    ignore_error: bool = False,
    encoding: str = "utf-8",
    compression: Compression | None = None,
    open_obj: Open = open,
) -> rx.Observable:
    r"""Emit the objects of a JSON file.

    ```
      load_from_file("file.json")
    --{'a': 1}--{'a': 2}--|
    ```

    Args:
        filename: a path, or a file open for bytes, which is left open.
        lines: whether each line is an object; if False, the whole file is one.
        skip: the number of lines to leave out first.
        ignore_error: leave out lines that are not JSON.
        encoding: the encoding of the text.
        compression: the compression of the file; None if it is not compressed.
        open_obj: the function that opens the path for bytes.

    *Emits* an object for each line, except blank ones and `null`; or one. *State* none: it is the source of a stream.
    *Raises*, as the stream's error, what opening and reading raise, and DecodeError for what is not JSON, or compressed
    bytes that are damaged or truncated.

    Raises:
        PipelineError: the compression is unknown.

    >>> import io, makiserve.stream as rs
    >>> file = io.BytesIO(b'{"a": 1}\n{"a": 2}\n')
    >>> rs.container.json.load_from_file(file).subscribe(print).dispose()
    {'a': 1}
    {'a': 2}
    """
    if compression is not None and compression not in DECOMPRESSORS:
        raise PipelineError(f"json.load_from_file: compression must be gzip, zstd or None, not {compression!r}")

    def texts() -> Iterator[str]:
        with opened(filename, "rb", open_obj=open_obj) as file:
            chunks: Iterator[bytes] = iter(partial(file.read, CHUNK_BYTES), b"")
            if compression is not None:
                chunks = through(DECOMPRESSORS[compression](), chunks)
            text = codecs.iterdecode(chunks, encoding)
            if lines:
                yield from text
            else:
                yield "".join(text)

    framing = [line.unframe()] if lines else []
    return source(texts).pipe(*framing, load(skip, ignore_error))
