"""The files of sources and sinks: a path, opened by a function of the user, or an open file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from typing import IO, Any

File = str | PathLike[str] | IO[Any]
Open = Callable[..., Any]
"""Called as `open_obj(file, mode, encoding=…)`, without `encoding` if the function does not take it.

The mode ends in "t" or "b", so that `gzip.open` can be passed directly.
"""

CHUNK_BYTES = 1 << 16


def opened(file: File, mode: str, encoding: str | None = None, open_obj: Open = open) -> AbstractContextManager[Any]:
    """Return a context that closes the file at the end if it was opened here. Text is UTF-8 without an `encoding`."""
    if not isinstance(file, (str, PathLike)):
        return nullcontext(file)
    if "b" not in mode:
        mode, encoding = mode if "t" in mode else f"{mode}t", encoding or "utf-8"
    options = {"encoding": encoding} if _takes_encoding(open_obj) else {}
    opening: AbstractContextManager[Any] = open_obj(file, mode, **options)
    return opening


def _takes_encoding(open_obj: Open) -> bool:
    try:
        parameters = inspect.signature(open_obj).parameters.values()
    except ValueError:  # a function of an extension module without a signature
        return True
    return any(parameter.name == "encoding" or parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
