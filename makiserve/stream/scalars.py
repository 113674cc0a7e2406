"""Single values as operators read them: numpy's scalars as Python's numbers, and which values are missing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

LARGEST_INT = 2**1000
"""Larger integers are read as floats, so that their differences stay within float64."""

_EXACT = (int, float, Decimal, Fraction)


def plain(value: Any) -> Any:
    """Return a numeric scalar of numpy as a Python number, which does not overflow; any other value as it is."""
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer) and not isinstance(value, np.timedelta64):
        return int(value)
    return float(value) if isinstance(value, np.floating) else value


def number(value: Any) -> Any:
    """Return a real number as a Python number; a boolean counts as 0 or 1.

    Raises:
        TypeError: it is not a real number.
    """
    value = plain(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, _EXACT):
        return value
    if value is None:
        raise TypeError("None is not a number: fill it, filter it, or reduce with skip_missing=True")
    raise TypeError(f"expected a number, not {type(value).__name__}")


def real(value: Any) -> float:
    """Return a number as a float, or as an integer that a float can hold approximately.

    Raises:
        TypeError: it is not a real number.
        OverflowError: it is an integer that is too large for a float.
    """
    value = number(value)
    if type(value) is int and -LARGEST_INT < value < LARGEST_INT:
        return value
    return float(value)


def pair(value: Any) -> tuple[float, float]:
    """Return a pair of numbers, each as `real` reads it.

    Raises:
        TypeError, ValueError: it is not a pair of real numbers.
        OverflowError: one is an integer that is too large for a float.
    """
    x, y = value
    return real(x), real(y)


def is_missing(value: Any) -> bool:
    """Return whether a value is None or NaN; a decimal NaN, and NaT and NA of pandas count, too."""
    if value is None:
        return True
    differs = value != value
    try:
        return bool(differs)
    except TypeError:
        if differs is value:  # NA, whose comparisons are NA
            return True
        raise


def is_incomplete(value: Any) -> bool:
    """Return whether a pair is missing, or either of its values is."""
    return value is None or is_missing(value[0]) or is_missing(value[1])
