"""Cells of a CSV file as typed values: a column at a time where all of it fits, a cell at a time where not.

Both ways accept the same texts and give the same values, so that a verdict on a row never depends on its neighbours:
what the fast way cannot take is judged by the slow one.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from math import isfinite
from typing import Any, Union, get_args, get_origin

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from makiserve.schema.escaped import ESCAPED, restored
from makiserve.schema.record import mismatch, missing

FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INT = re.compile(r"[+-]?\d+", re.ASCII)
PLAIN = (float, int, str)


class Column:
    """How the cells of one field are converted.

    Args:
        name: the column's title.
        kind: the declared type.
    """

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self.kind = kind
        self.base, self.optional = without_none(kind)
        self._cell: Callable[[str], Any] = _CELLS.get(self.base, self._general)

    @property
    def is_plain(self) -> bool:
        """Whether a cell's conversion is all the checking that the field needs."""
        return self.base in (*PLAIN, bool)

    def values(self, cells: pa.Array) -> list[Any]:
        """The values of a column of `binary`; a `DecodeError` stands where a cell does not fit."""
        try:
            return self._fast(cells)
        except (pa.ArrowInvalid, _SlowWay):
            return [self.value(cell) for cell in cells.to_pylist()]

    def value(self, cell: bytes) -> Any:
        """The value of one cell, or the `DecodeError` for it."""
        raw = restored(cell.decode())
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return mismatch(self.name, self.kind, f"{raw[:40]!r}, which is not UTF-8")
        if not text and self.optional:
            return None
        try:
            return self._cell(text)
        except ValueError:
            if text or self.base is str:
                return mismatch(self.name, self.kind, repr(text if len(text) <= 60 else text[:57] + "..."))
            return missing(self.name, self.kind)

    def _fast(self, cells: pa.Array) -> list[Any]:
        if self.base not in PLAIN:
            raise _SlowWay
        text = cells.cast(pa.string())
        if self.optional:
            text = pc.if_else(pc.equal(text, ""), None, text)
        if self.base is str:
            if pc.any(pc.match_substring_regex(text, ESCAPED.pattern)).as_py():
                raise _SlowWay
            return list(text.to_pylist())
        if self.base is int:
            if pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
                raise _SlowWay  # Arrow would read 0x10
            numbers = text.cast(pa.int64())
        else:
            numbers = text.cast(pa.float64())
            if not pc.all(pc.is_finite(numbers)).as_py() and len(numbers) != numbers.null_count:
                raise _SlowWay
        return list(numbers.to_pylist() if numbers.null_count else numbers.to_numpy().tolist())

    def _general(self, text: str) -> Any:
        return msgspec.convert(text, self.base, strict=False)


class _SlowWay(Exception):
    """The column must be read a cell at a time."""


def without_none(kind: Any) -> tuple[Any, bool]:
    """A type without its None, and whether it had one."""
    if get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind):
        others = [arg for arg in get_args(kind) if arg is not type(None)]
        return (others[0] if len(others) == 1 else Union[tuple(others)]), True  # noqa: UP007  a union of a run-time list
    return kind, False


def _float(text: str) -> float:
    if not FLOAT.fullmatch(text.strip()):
        raise ValueError(text)
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _int(text: str) -> int:
    if not INT.fullmatch(text.strip()):
        raise ValueError(text)
    return int(text)


def _bool(text: str) -> bool:
    folded = text.strip().lower()
    if folded not in ("true", "false"):
        raise ValueError(text)
    return folded == "true"


_CELLS: dict[Any, Callable[[str], Any]] = {float: _float, int: _int, bool: _bool, str: str}
