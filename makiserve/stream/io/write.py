"""`io.write`: a stream into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from makiserve.stream.engine.trace import Transform
from makiserve.stream.io.opened import File, Open, opened
from makiserve.stream.io.sink import sink


def write(file: File, mode: str | None = None, encoding: str | None = None, open_obj: Open = open) -> Transform:
    """Write each item to a file.

    ```
    --ab--cd--|
      write("file")
    ----------|
    ```

    Args:
        file: a path, or an open file, which is left open.
        mode: "wb" for bytes, "w" for text; None takes bytes, or text if an encoding is given.
        encoding: the encoding of the text; None is UTF-8.
        open_obj: the function that opens the path: `gzip.open`, for instance.

    *Emits* nothing; completes when the file is closed. *State* an open file: it does not run in a lane. *Raises*, as
    the stream's error, what opening and writing raise.

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import io, rx, makiserve.stream as rs
    >>> file = io.StringIO()
    >>> rx.from_(["ab", "cd"]).pipe(rs.io.write(file)).subscribe().dispose()
    >>> file.getvalue()
    'abcd'
    """

    @contextmanager
    def opening() -> Iterator[Callable[[Any], Any]]:
        with opened(file, mode or ("w" if encoding else "wb"), encoding, open_obj) as content:
            yield content.write

    return sink("io.write", opening)
