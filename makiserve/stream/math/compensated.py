"""Compensated summation: the state of `math.sum` and `math.mean`.

A partial sum is `(total, rest)`; `rest` collects the rounding errors of `total` (Neumaier, "Rundungsfehleranalyse
einiger Verfahren zur Summation endlicher Summen", ZAMM 54, 1974). Integers stay integers, and exact. Finite floats
whose sum leaves the range of float64 are added up as an integer. A sum that returns to the range is then correct, and
the same for any slicing of a window.
"""

from __future__ import annotations

from math import inf
from typing import Any

Partial = tuple[Any, Any]
ZERO: Partial = (0, 0)


def add(partial: Partial, value: Any) -> Partial:
    """Return the sum with one more value."""
    total, rest = partial
    if type(total) is not type(value):
        total, value, rest = _alike(total, value, rest)
    sum_ = total + value
    if sum_ - sum_ != 0 and _is_finite(total) and _is_finite(value):
        return int(total) + int(value), rest
    if abs(total) >= abs(value):
        return sum_, rest + ((total - sum_) + value)
    return sum_, rest + ((value - sum_) + total)


def merge(earlier: Partial, later: Partial) -> Partial:
    """Return the sum of two parts."""
    total, rest = add(earlier, later[0])
    return total, rest + later[1]


def result(partial: Partial) -> Any:
    """Return the sum: infinite if it is out of range or met an infinity, NaN if it met NaN or both infinities."""
    total, rest = partial
    try:
        corrected = total + rest
    except OverflowError:  # floats, added up as an integer
        return inf if total > 0 else -inf
    return total if corrected != corrected else corrected


def mean(partial: Partial, count: int) -> Any:
    """Return the sum divided by the number of values; a mean is in range even if the sum is not."""
    try:
        corrected = (partial[0] + partial[1]) / count
    except OverflowError:
        return partial[0] / count
    return partial[0] / count if corrected != corrected else corrected


def _alike(total: Any, value: Any, rest: Any) -> tuple[Any, Any, Any]:
    """Return an integer and a float as two floats, or as two integers if the integer is too large for a float."""
    if type(total) is float and type(value) is int:
        value, total, rest = _alike(value, total, rest)
    elif type(total) is int and type(value) is float:
        try:
            near = float(total)
        except OverflowError:
            return (total, int(value), rest + (value - int(value))) if _is_finite(value) else (0.0, value, rest)
        return near, value, rest + float(total - int(near))
    return total, value, rest


def _is_finite(value: Any) -> bool:
    return bool(value - value == 0)
