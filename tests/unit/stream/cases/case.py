"""The parts that all cases have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Cases = dict[str, list[Callable[[], Any]]]
"""Operator → pipelines that show it; each takes a stream of numbers."""

NUMBERS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]


class Point(NamedTuple):
    x: float
    y: Any
