"""Convert Python, numpy and pandas values to types that JSON, CSV and Parquet can all represent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import singledispatch
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

PLAIN = {str, int, float, bool, type(None)}
"""The types that all three formats support."""

NO_KEYS = (type(None), bool, tuple, list, dict, set, frozenset)
"""The types of values that JSON has, or that become a list or an object, but that cannot be a key."""

COARSE_UNITS = {"Y": "D", "M": "D", "W": "D", "h": "s", "m": "s", "generic": "s"}
"""The units of datetime64 without a complete ISO 8601 text, each with the unit to write instead."""


@singledispatch
def plain(value: Any) -> Any:
    """Convert a value to None, a bool, a number, text, or a list or dict of these.

    A missing value of pandas becomes None. A time or a duration becomes ISO 8601 text, and bytes become base64. The
    result depends only on the value, never on its neighbours.

    >>> plain({"at": pd.Timestamp("2024-01-01 12:00"), "n": np.int64(3), "gap": pd.NaT})
    {'at': '2024-01-01T12:00:00', 'n': 3, 'gap': None}

    Raises:
        TypeError: JSON cannot represent the type of the value, such as a complex number.
        ValueError: JSON cannot represent the value: a duration in months, or two keys with the same text.
    """
    dump = getattr(value, "model_dump", None)  # a pydantic model, which MLflow also serializes this way
    return plain(dump()) if callable(dump) else msgspec.to_builtins(value, enc_hook=_inner)


def json_value(value: Any) -> Any:
    """Convert a value that the JSON encoder does not know; like `plain`, but for its hook.

    Raises:
        TypeError, ValueError: as for `plain`; or the value is a key of a dict that is neither text nor a number.
    """
    if isinstance(value, NO_KEYS):  # as a value, the encoder knows it
        raise _no_key(value)
    return plain(value)


def _no_key(key: Any) -> TypeError:
    return TypeError(
        f"a dict has the key {key!r:.80}, but JSON has no such keys: convert the keys to text with str(key)"
    )


class Unwritable:
    """A value in an output that no format can represent; `plain` raises for it.

    Args:
        reason: why, and what to do.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason


def same_keys(value: Mapping[Any, Any]) -> str:
    """Return the reason for refusing a dict in which two keys have the same text."""
    return f"two of the keys {list(value)!r:.200} are the same text in JSON: give them different texts"


def sorted_set(elements: Iterable[Any]) -> list[Any]:
    """Return the elements of a set in an order that depends on nothing but them.

    Raises:
        TypeError, ValueError: as for `plain`.
    """
    elements = list(elements)
    kinds = {*map(type, elements)}
    if kinds <= {int, float, bool}:
        return sorted(elements, key=lambda number: (number != number, number))
    if kinds in ({str}, {bytes}):
        return sorted(elements)
    return sorted(elements, key=lambda element: msgspec.json.encode(plain(element)))


def _inner(value: Any) -> Any:
    """Convert a value inside a dataclass or Struct."""
    if plain.dispatch(type(value)) is plain.dispatch(object):
        raise TypeError(f"a value of type {type(value).__qualname__}")
    return plain(value)


@plain.register(Unwritable)
def _refused(value: Unwritable) -> Any:
    raise ValueError(value.reason)


@plain.register(bool)
@plain.register(type(None))
def _same(value: Any) -> Any:
    return value


@plain.register(int)
@plain.register(float)
def _number(value: float) -> float:
    return value if type(value) in PLAIN else value.real  # a subclass, such as an IntEnum


@plain.register(str)
def _text(value: str) -> str:
    return str.__str__(value)


@plain.register(type(pd.NA))
@plain.register(type(pd.NaT))
def _missing(value: Any) -> None:
    return None


@plain.register(datetime)
@plain.register(date)
@plain.register(time)
def _time(value: datetime) -> str:
    return value.isoformat()


@plain.register(timedelta)
def _duration(value: timedelta) -> str:
    return str(pd.Timedelta(value).isoformat())


@plain.register(np.generic)
def _numpy(value: np.generic) -> Any:
    return _array(np.asarray(value).reshape(1))[0]


@plain.register(Mapping)
def _named(value: Mapping[Any, Any]) -> dict[str, Any]:
    named = {_key(name): plain(inner) for name, inner in value.items()}
    if len(named) != len(value):
        raise ValueError(same_keys(value))
    return named


def _key(name: Any) -> str:
    key = plain(name)
    if isinstance(key, NO_KEYS):
        raise _no_key(name)
    return str(key)


@plain.register(set)
@plain.register(frozenset)
def _set(value: set[Any]) -> list[Any]:
    return sorted_set(map(plain, value))


@plain.register(list)
@plain.register(tuple)
def _list(value: list[Any]) -> list[Any]:
    return list(map(plain, value))


@plain.register(np.ndarray)
def _array(values: NDArray[Any]) -> Any:
    if values.ndim == 0:
        return None if values is np.ma.masked else _array(values.reshape(1))[0]
    kind, is_masked = values.dtype.kind, isinstance(values, np.ma.MaskedArray)
    if kind in "biuU" or (kind == "f" and values.itemsize <= np.float64().itemsize):
        return values.tolist()  # a masked value becomes None
    if values.ndim > 1 or is_masked:
        return list(map(plain, values))
    if kind == "c":
        raise TypeError(f"a value of type {values.dtype}")
    if kind == "f":
        return values.astype(np.float64).tolist()
    if kind == "M":
        return _times(values)
    if kind == "m":
        return [None if np.isnat(value) else str(pd.Timedelta(value).isoformat()) for value in values]
    return [None if type(value) is float and value != value else plain(value) for value in values.tolist()]  # nan


@plain.register(pd.Series)
@plain.register(pd.Index)
@plain.register(pd.api.extensions.ExtensionArray)
def _column(values: Any) -> Any:
    if isinstance(values.dtype, np.dtype):
        return _array(values.to_numpy())
    pairs = zip(values.tolist(), np.asarray(values.isna(), bool).tolist(), strict=True)
    return [None if is_missing else plain(value) for value, is_missing in pairs]


def _times(values: NDArray[np.datetime64]) -> list[str | None]:
    unit: Any = np.datetime_data(values.dtype)[0]
    texts = np.datetime_as_string(values, unit=COARSE_UNITS.get(unit, unit)).tolist()
    return [None if text == "NaT" else _trimmed(text) for text in texts]


def _trimmed(text: str) -> str:
    """Shorten the fraction of a second as `isoformat` does: to no digits, 6 digits, 9 or more."""
    whole, _, fraction = text.partition(".")
    digits = fraction.rstrip("0")
    return f"{whole}.{digits.ljust(max(6, -(-len(digits) // 3) * 3), '0')}" if digits else whole
