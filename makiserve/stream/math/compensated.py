"""Compensated summation: the sum that `math.sum` and `math.mean` keep.

A partial sum is `(total, rest)`; `rest` collects what rounding took from `total` (Neumaier, "Rundungsfehleranalyse
einiger Verfahren zur Summation endlicher Summen", ZAMM 54, 1974). Integers stay integers, and exact.
"""

from __future__ import annotations

from typing import Any

Partial = tuple[Any, Any]
ZERO: Partial = (0, 0)


def add(partial: Partial, value: Any) -> Partial:
    """The sum with one value more."""
    total, rest = partial
    sum_ = total + value
    if abs(total) >= abs(value):
        return sum_, rest + ((total - sum_) + value)
    return sum_, rest + ((value - sum_) + total)


def merge(earlier: Partial, later: Partial) -> Partial:
    """The sum of two parts."""
    total, rest = add(earlier, later[0])
    return total, rest + later[1]


def result(partial: Partial) -> Any:
    """The sum; where it overflowed or met an infinity, what plain addition gives."""
    total, rest = partial
    corrected = total + rest
    return total if corrected != corrected else corrected
