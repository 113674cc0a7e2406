"""Compiled functions: generated code as functions, and where in the pipeline or in the user's code an error is from."""

from __future__ import annotations

import linecache
import sysconfig
import weakref
from collections.abc import Callable
from itertools import count
from pathlib import Path
from traceback import walk_tb
from typing import Any, NamedTuple

from makiserve.stream.engine import keeper

_numbers = count(1)

PACKAGE = Path(__file__).parents[2]
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
INSTALLED = {"site-packages", "dist-packages"}
"""The folders of installed libraries."""


class Place(NamedTuple):
    """The place in the pipeline of a line of code: the operator, and the variable that holds its item."""

    operator: str
    item: str | None


class CompiledFunctions:
    """Functions made from generated code.

    Attributes:
        text: the code, which tracebacks quote.
    """

    def __init__(self, text: str, places: list[Place | None], names: dict[str, Any]) -> None:
        self.text = text
        self._places = places
        self._file = f"<makiserve pipeline {next(_numbers)}>"
        self._names = dict(names)
        exec(compile(text, self._file, "exec"), self._names)  # noqa: S102  our own text; the user's part is by reference
        linecache.cache[self._file] = (len(text), None, [line + "\n" for line in text.split("\n")], self._file)
        weakref.finalize(self, linecache.cache.pop, self._file, None)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = self._names[name]
        return function

    def locate(self, error: BaseException) -> tuple[str, Any]:
        """Return the operator that an error comes from, and the item that it was given."""
        frame, place, trace = None, None, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._file and self._places[trace.tb_lineno - 1]:
                frame, place = trace.tb_frame, self._places[trace.tb_lineno - 1]
            trace = trace.tb_next
        if not frame or not place:
            return "unknown", None
        return place.operator, frame.f_locals.get(place.item) if place.item else None

    def user_line(self, error: BaseException) -> str | None:
        """Return where in the user's file the error comes from, as `features.py:24`; None if it is in a library."""
        return user_line(error, lambda file: file in (self._file, keeper.FILE))


def user_line(error: BaseException, is_engine: Callable[[str], bool]) -> str | None:
    """Return where in the user's file an error comes from, as `features.py:24`; None if it is in a library.

    What the engine calls itself is the user's. What an operator or a library calls on its way is the user's unless it
    belongs to a library, too.

    Args:
        error: the error, with its traceback.
        is_engine: whether a file is one from which the engine calls functions of the user.
    """
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    inside = [index for index, (file, _) in enumerate(frames) if is_engine(file)]
    called = frames[inside[-1] + 1 :] if inside else []
    if called and Path(called[0][0]).is_relative_to(PACKAGE):
        called = [(file, line) for file, line in called if not _is_library(Path(file))]
    if not called or called[0][0].startswith("<"):
        return None
    line = next(line for file, line in reversed(called) if file == called[0][0])
    return f"{Path(called[0][0]).name}:{line}"


def _is_library(file: Path) -> bool:
    return any(map(file.is_relative_to, (PACKAGE, STANDARD_LIBRARY))) or not INSTALLED.isdisjoint(file.parts)
