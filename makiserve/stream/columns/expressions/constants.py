"""Values that never change and whose operators have no effect."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

_TYPES = (int, float, bool, str, bytes, complex, type(None), date, timedelta, timezone, ZoneInfo)
_WITH_ZONE = (datetime, time)
_ZONES = (type(None), timezone, ZoneInfo)


def is_scalar_constant(value: Any) -> bool:
    """Return whether a value is immutable, of a type of Python's own, and contains no other values."""
    return type(value) in _TYPES or (type(value) in _WITH_ZONE and type(value.tzinfo) in _ZONES)


def is_constant(value: Any) -> bool:
    """Return whether a value is immutable, of a type of Python's own."""
    if type(value) in (tuple, frozenset):
        return all(map(is_constant, value))
    return is_scalar_constant(value)
