"""`io.walk`: the files of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from makiserve.stream.io.source import source
from makiserve.stream.reactive import rx


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
