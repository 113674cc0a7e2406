"""`io.read`: the content of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from makiserve.stream.arguments import whole_number
from makiserve.stream.io.opened import File, Open, opened
from makiserve.stream.io.source import source
from makiserve.stream.reactive import rx


def read(
    file: File, mode: str = "r", size: int | None = None, encoding: str | None = None, open_obj: Open = open
) -> rx.Observable:
    """Emit the content of a file, in chunks or whole.

    ```
      read("abcde", size=2)
    --ab--cd--e--|
    ```

    Args:
        file: a path, or an open file, which is left open.
        mode: "r" for text, "rb" for bytes.
        size: the length of a chunk, in characters or bytes; None emits the whole file as one item.
        encoding: the encoding of the text; None is UTF-8.
        open_obj: the function that opens the path: `gzip.open`, for instance.

    *Emits* str or bytes. *State* none: it is the source of a stream. *Raises*, as the stream's error, what opening
    and reading raise.

    Raises:
        PipelineError: size is not an integer of at least 1.

    >>> import io, makiserve.stream as rs
    >>> rs.io.read(io.StringIO("abcde"), size=2).subscribe(print).dispose()
    ab
    cd
    e
    """
    if size is not None:
        size = whole_number(size, "io.read: size")

    def chunks() -> Iterator[Any]:
        with opened(file, mode, encoding, open_obj) as content:
            if size is None:
                yield content.read()
                return
            while chunk := content.read(size):
                yield chunk

    return source(chunks)
