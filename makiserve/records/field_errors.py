"""The errors of a field that is missing or does not fit, and the declarations that they advise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_args

import msgspec
from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError


def missing(name: str, kind: Any, remedy: str = "") -> DecodeError:
    """Return the error for a missing field; the remedy precedes that for a field that may be missing."""
    expected = type_name(kind)
    message = f"field {name!r} is missing: expected {expected}{remedy}{optional_remedy(kind)}"
    return DecodeError(message, field=name, expected=expected)


def mismatch(name: str, kind: Any, value: str, remedy: str = "") -> DecodeError:
    """Return the error for a field whose value is not of the declared type.

    Args:
        name: the name of the field in the data.
        kind: the declared type.
        value: the value, shortened.
        remedy: what to do, as a sentence after the message; empty if the value does not show it.
    """
    expected = type_name(kind)
    message = f"field {name!r}: expected {expected}, got {value}{remedy}"
    return DecodeError(message, field=name, expected=expected, value=value)


def optional_remedy(kind: Any) -> str:
    """Return the sentence that follows an error about a missing value: how to declare a field that may be missing."""
    return f". If the value may be missing, declare the field {optional_type(kind)} = None"


def optional_type(kind: Any) -> str:
    """Return the type with None in it, as a user writes it."""
    return type_name(kind) if type(None) in get_args(kind) else f"{type_name(kind)} | None"


def rename_remedy(declared: FieldInfo, names: Iterable[str]) -> str:
    """Return how to declare a missing field whose name the data spell differently; empty if no name is the same."""
    wanted = _letters(declared.encode_name)
    title = next((name for name in names if wanted and _letters(name) == wanted), None)
    return "" if title is None else f". The data have {title!r}: declare {renamed(declared, title)}"


def renamed(declared: FieldInfo, title: str) -> str:
    """Return the declaration of a field with another name in the data."""
    return f"{declared.name}: {type_name(declared.type)} = makiserve.field(name={msgspec.json.encode(title).decode()})"


def _letters(name: str) -> str:
    """Return a name without what its spellings differ in: `wind_speed`, `windSpeed` and `Wind Speed` are equal."""
    return re.sub(r"[\W_]+", "", name).casefold()


def type_name(kind: Any) -> str:
    """Return a type as the user wrote it: `float`, `float | None`."""
    return kind.__qualname__ if isinstance(kind, type) else str(kind).replace("typing.", "")


def shorten(value: Any) -> str:
    """Return a value as JSON, or as Python writes it if JSON has no such value, in 60 characters at most."""
    try:
        text = repr(value) if isinstance(value, float) else msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
