"""Stages: what the operators of a pipeline write, each in front of what follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from makiserve.stream.engine.code import Code

State = list[Any]
"""The slots of one scope. Slot 0 is the state of the enclosing scope."""


class Stage(NamedTuple):
    """The rest of a pipeline, seen from one point of it: what can be written there.

    Two facts decide whether a write to a slot made at that point must be undoable. `raises`: pushing on may fail.
    `repeats`: the same record may come back, or be pushed elsewhere, after the push has returned, and fail there.

    Attributes:
        push: writes the code that an item, given as an expression, goes through, in line.
        call: writes a call of a function that does the same: for places that are off the hot path, or several.
        complete: writes the code that completes the stream.
    """

    push: Callable[[Code, str], None]
    call: Callable[[Code, str], None]
    complete: Callable[[Code], None]
    raises: bool = True
    repeats: bool = False


class Part(NamedTuple):
    """What an operator writes: its push, its completion."""

    push: Callable[[Code, str], None]
    complete: Callable[[Code], None]
