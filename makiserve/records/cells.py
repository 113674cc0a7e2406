"""CSV cells as typed values, converted a column at a time if the whole column fits, otherwise a cell at a time.

Both ways accept the same texts and give the same values, so the result for a row never depends on its neighbours. The
slow way converts whatever the fast way cannot. A cell is treated as the JSON value that it spells: as a number or a
boolean if the declared type has such values, otherwise as a text.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from math import isfinite
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import inspect

from makiserve.records.escaped import ESCAPED, restored
from makiserve.records.field_errors import mismatch, missing, optional_remedy
from makiserve.records.record import NA_VALUES, converted
from makiserve.records.record_table import Cells, DictionaryValues, FieldValues, field_values_of, objects

FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INT = re.compile(r"[+-]?\d+", re.ASCII)
BOOLEANS = {"true": True, "false": False}
PLAIN = (float, int, bool, str)
TEXTS_IN_JSON = (datetime, date, time, timedelta, UUID)
"""Types whose values are texts in JSON."""
JSON_SYNTAX = r'["\\]'
"""What JSON would read in a text as its end or as an escape."""


class CsvColumn:
    """A converter for the cells of one field.

    Args:
        name: the column's title.
        kind: the declared type.
        na_values: the cells that are None if the type has None.
    """

    def __init__(self, name: str, kind: Any, na_values: frozenset[str] = NA_VALUES) -> None:
        self.name = name
        self.kind = kind
        self.base, self.is_optional = without_none(kind)
        self._na_values = na_values
        self._missing = na_values if self.is_optional else frozenset()
        self._has_literals = has_literals(kind)
        self._has_texts = any(self._fits(text) for text in ("", "x")) or not self._has_literals

    def values(self, cells: pa.Array) -> list[Any]:
        """Return the values of a `binary` column, with a `DecodeError` for each cell that does not fit."""
        values = self.cells(cells)
        return values if isinstance(values, list) else values.listed()

    def cells(self, cells: pa.Array) -> Cells:
        """Return the values of a `binary` column: as an array if all cells fit, or else as in `values`."""
        try:
            return self._fast(cells)
        except (pa.ArrowInvalid, msgspec.MsgspecError, _SlowWay):
            return [self.value(cell) for cell in cells.to_pylist()]

    def value(self, cell: bytes) -> Any:
        """Return the value of one cell, or the `DecodeError` for it."""
        raw = restored(cell.decode())
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return mismatch(self.name, self.kind, f"{raw[:40]!r}, which is not UTF-8")
        if text in self._missing:
            return None
        for reading in self._readings(text):
            try:
                return converted(reading, self.kind)
            except (ValueError, OverflowError):
                continue
        if not text and not self._has_texts:
            return missing(self.name, self.kind)
        shown = repr(text if len(text) <= 60 else text[:57] + "...")
        return mismatch(self.name, self.kind, shown, self._remedy(text, shown))

    def _remedy(self, text: str, shown: str) -> str:
        """Return what to do about a cell that marks a missing value; empty if it does not look like a marker."""
        if text in self._na_values:
            return optional_remedy(self.kind)
        if self.is_optional and self.base in (*PLAIN, *TEXTS_IN_JSON) and not any(map(str.isdigit, text)):
            return f". If {shown} marks a missing value, give it with --na-values or na_values="
        return ""

    def _readings(self, text: str) -> Iterator[Any]:
        """Yield the JSON values that a cell may spell, in the order in which to try them."""
        if self._has_literals and (literal := _literal(text.strip())) is not None:
            yield literal
        yield text

    def _fits(self, value: Any) -> bool:
        try:
            msgspec.convert(value, self.base)
        except (msgspec.ValidationError, OverflowError):
            return False
        return True

    def _fast(self, cells: pa.Array) -> FieldValues | DictionaryValues:
        if self.base not in (*PLAIN, *TEXTS_IN_JSON):
            raise _SlowWay
        text = cells.cast(pa.string())
        if self.is_optional:
            text = pc.if_else(pc.is_in(text, pa.array(self._missing, pa.string())), None, text)
        if self.base is int:
            return field_values_of(_integers(text))
        if self.base is float:
            return field_values_of(_floats(text))
        if self.base is bool:
            return field_values_of(_booleans(text))
        if pc.any(pc.match_substring_regex(text, ESCAPED.pattern)).as_py():
            raise _SlowWay
        return field_values_of(text) if self.base is str else objects(self._decoded(text), len(text))

    def _decoded(self, text: pa.Array) -> list[Any]:
        """Return texts as values of the type, decoded as one JSON list, without a call for each."""
        if pc.any(pc.match_substring_regex(text, JSON_SYNTAX)).as_py():
            raise _SlowWay
        quoted = pc.fill_null(pc.binary_join_element_wise('"', text, '"', ""), "null")
        listed = pc.binary_join(pa.ListArray.from_arrays([0, len(quoted)], quoted), ",")[0].as_py()
        values: list[Any] = msgspec.json.decode(f"[{listed}]", type=list[self.kind])  # type: ignore[name-defined]
        return values


def _integers(text: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
        raise _SlowWay  # Arrow would read 0x10
    return text.cast(pa.int64())


def _booleans(text: pa.Array) -> pa.Array:
    words = pc.utf8_lower(text)
    if not pc.all(pc.is_in(words, pa.array(BOOLEANS)), min_count=0).as_py():
        raise _SlowWay
    return pc.equal(words, "true")


def _floats(text: pa.Array) -> pa.Array:
    numbers = text.cast(pa.float64())
    if not pc.all(pc.is_finite(numbers)).as_py() and len(numbers) != numbers.null_count:
        raise _SlowWay
    return numbers


class _SlowWay(Exception):
    """Raised if a column must be read a cell at a time."""


def without_none(kind: Any) -> tuple[Any, bool]:
    """Return a type without its None, and whether it had one."""
    if get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind):
        others = [member for member in get_args(kind) if member is not type(None)]
        return (others[0] if len(others) == 1 else Union[tuple(others)]), True  # noqa: UP007  a union of a run-time list
    return kind, False


def has_literals(kind: Any) -> bool:
    """Return whether a type has numbers or booleans, which JSON writes without quotes."""
    type_info = inspect.type_info(kind)
    members = type_info.types if isinstance(type_info, inspect.UnionType) else (type_info,)
    return any(_is_literal(inspect_type) for inspect_type in members)


def _is_literal(type_info: inspect.Type) -> bool:
    if isinstance(type_info, inspect.Metadata):
        return _is_literal(type_info.type)
    if isinstance(type_info, inspect.LiteralType):
        return any(isinstance(value, int) for value in type_info.values)
    if isinstance(type_info, inspect.EnumType):
        return any(isinstance(member.value, int) for member in type_info.cls)
    return isinstance(type_info, (inspect.IntType, inspect.FloatType, inspect.BoolType))


def _literal(text: str) -> int | float | bool | None:
    """Return the number or boolean that a text spells; None if it spells neither, or an infinite number."""
    if INT.fullmatch(text):
        try:
            return int(text)
        except ValueError:  # more digits than Python converts
            return None
    if FLOAT.fullmatch(text):
        number = float(text)
        return number if isfinite(number) else None
    return BOOLEANS.get(text.lower())
