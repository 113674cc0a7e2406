"""Conversions between values and their text: `100ms`, `64MB`, `true`."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NewType, get_args, get_origin

from makiserve import durations

Size = NewType("Size", int)

SIZES = {"GiB": 2**30, "GB": 10**9, "MiB": 2**20, "MB": 10**6, "KiB": 2**10, "kB": 10**3, "B": 1}
BOOLEANS = {"true": True, "false": False}
EXPECTED = {
    timedelta: durations.EXPECTED,
    Size: "a size, such as 900000, 64kB or 1MiB",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}
METAVARS = {timedelta: "DURATION", Size: "SIZE", bool: "true|false", int: "N", float: "X", Path: "FILE", str: "TEXT"}


def value_from_text(kind: Any, text: str) -> Any:
    """Return the value that a text gives for a type.

    Raises:
        ValueError: the text does not fit the type; the message names what was expected.
    """
    kind = plain(kind)
    if choices := get_args(kind) if get_origin(kind) is Literal else ():
        if text not in choices:
            raise ValueError(f"expected {' or '.join(choices)}")
        return text
    try:
        return _value(kind, text.strip())
    except (ValueError, KeyError, OverflowError):
        raise ValueError(f"expected {EXPECTED[kind]}") from None


def text_from_value(kind: Any, value: Any) -> str:
    """Return the text that gives this value."""
    if isinstance(value, timedelta):
        return next(
            f"{value // unit}{name}" for name, unit in durations.UNITS.items() if not value % unit or name == "ms"
        )
    if plain(kind) is Size:
        return next(f"{value // unit}{name}" for name, unit in SIZES.items() if value % unit == 0)
    return str(value).lower() if isinstance(value, bool) else str(value)


def metavar(kind: Any) -> str:
    """Return the placeholder for a value of the type in help texts."""
    kind = plain(kind)
    return "|".join(get_args(kind)) if get_origin(kind) is Literal else METAVARS[kind]


def plain(kind: Any) -> Any:
    """Return the type of a single value: without None, and that of the items if it is a tuple."""
    others = [member for member in get_args(kind) if member is not NoneType]
    if get_origin(kind) is tuple or len(others) < len(get_args(kind)):
        return others[0]
    return kind


def _value(kind: Any, text: str) -> Any:
    if kind is timedelta:
        return durations.duration_from_text(text)
    if kind is Size:
        number, unit = _number_and_unit(text)
        return int(float(number) * SIZES[unit or "B"])
    return BOOLEANS[text] if kind is bool else kind(text)


def _number_and_unit(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", text)
    if not match:
        raise ValueError(text)
    return match[1], match[2]
