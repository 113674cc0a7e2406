"""Check the numbers that operators are given, when a pipeline is built."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.reactive import rx


def whole_number(value: Any, what: str, least: int = 1, advice: str = "") -> int:
    """Return a number of items, bytes or the like as an integer.

    Args:
        value: the user's argument; an integer of numpy counts as one of Python.
        what: the operator and its argument, for the error.
        least: the minimum.
        advice: the end of the error's text.

    Raises:
        PipelineError: it is not an integer, or is less than `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise PipelineError(f"{what} must be an integer of at least {least}, not {value!r:.80}{advice}")
    return int(value)


def share(value: Any, what: str) -> float:
    """Return a number from 0 to 1.

    Raises:
        PipelineError: it is not such a number.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise PipelineError(f"{what} must be a number between 0 and 1, not {value!r:.80}")
    return float(value)


def elements(values: Iterable[Any], what: str) -> Iterable[Any]:
    """Return an iterable as it is.

    Raises:
        PipelineError: it is an Observable, whose iteration would never end, or cannot be iterated over.
    """
    if isinstance(values, rx.Observable) or not hasattr(values, "__iter__"):
        raise PipelineError(f"{what} must be a list or another iterable of items, not {type(values).__name__}")
    return values
