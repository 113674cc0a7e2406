"""What the sources and sinks take as a file: a path, opened by a function of the user's, or an open file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from typing import IO, Any

File = str | PathLike[str] | IO[Any]
Open = Callable[..., Any]
"""Called as `open_obj(file, mode, encoding=…)`; the mode ends in "t" or "b", so that `gzip.open` fits as it is."""

CHUNK_BYTES = 1 << 16


def opened(file: File, mode: str, encoding: str | None = None, open_obj: Open = open) -> AbstractContextManager[Any]:
    """The open file, closed at the end if it was opened here. Text is UTF-8 unless `encoding` says otherwise."""
    if not isinstance(file, (str, PathLike)):
        return nullcontext(file)
    if "b" in mode:
        opening: AbstractContextManager[Any] = open_obj(file, mode, encoding=None)
    else:
        opening = open_obj(file, mode if "t" in mode else f"{mode}t", encoding=encoding or "utf-8")
    return opening
