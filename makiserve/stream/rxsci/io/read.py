"""Sources: `io.read`, the content of a file, and `io.walk`, the files of a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from makiserve.stream.arguments import whole_number
from makiserve.stream.reactive import rx
from makiserve.stream.rxsci.io.opened import File, Open, opened


def source(items: Callable[[], Iterator[Any]]) -> rx.Observable:
    """Return a cold Observable: each subscription runs the generator function, whose errors become the stream's.

    Disposing of a subscription closes its generator, and so the file that it reads.
    """
    return rx.defer(lambda _: rx.from_iterable(items()))


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


def walk(top: str | os.PathLike[str], recursive: bool = True) -> rx.Observable:
    """Emit the paths of the files in a folder.

    ```
      walk("data")
    --data/a.csv--data/2024/b.csv--|
    ```

    Args:
        top: the folder.
        recursive: include its sub-folders (RxSci always does); links are not followed.

    *Emits* each path as a str that begins with `top`: a folder's files before those of its sub-folders, sorted by
    name, so that the order is the same everywhere. *State* none: it is the source of a stream. *Raises*, as the
    stream's error, OSError for a folder that cannot be read.

    >>> import tempfile, makiserve.stream as rs
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("b.csv", "a.csv"):
    ...     with open(f"{folder}/{name}", "w"): pass
    >>> rs.io.walk(folder).subscribe(lambda path: print(path.removeprefix(folder))).dispose()
    /a.csv
    /b.csv
    """

    def paths() -> Iterator[str]:
        for folder, subfolders, files in os.walk(top, onerror=_raise):
            subfolders.sort()
            yield from (str(Path(folder, file)) for file in sorted(files))
            if not recursive:
                return

    return source(paths)


def _raise(error: OSError) -> None:
    raise error
