"""Functions whose results are kept, so that a record that is processed again does not call them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

FILE = __file__

UNKNOWN: Any = object()
"""Stands for a result that is not known."""


class Keeper:
    """A function that keeps its latest result, and can be given the result of its next call.

    Args:
        function: the function.

    Attributes:
        kept: what the latest call has returned; `UNKNOWN` if there was none.
        given: what the next call returns without calling the function; `UNKNOWN` to call it.
    """

    __slots__ = ("function", "given", "kept")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.kept = self.given = UNKNOWN

    def __call__(self, *arguments: Any) -> Any:
        if self.given is UNKNOWN:
            result = self.kept = self.function(*arguments)
            return result
        given, self.given = self.given, UNKNOWN
        return given


def unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a keeper; any other function as it is."""
    return function.function if isinstance(function, Keeper) else function


def take(keepers: Sequence[Keeper]) -> tuple[Any, ...]:
    """Return what each function has returned since the last call of `take`; `UNKNOWN` for one that was not called."""
    kept = tuple([keeper.kept for keeper in keepers])
    for keeper in keepers:
        keeper.kept = UNKNOWN
    return kept


def give(keepers: Sequence[Keeper], results: Sequence[Any]) -> None:
    """Give each function the result of its next call; `UNKNOWN` to call it."""
    for keeper, result in zip(keepers, results, strict=True):
        keeper.given = result
