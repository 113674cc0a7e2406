"""Stages: the code that the operators of a pipeline write, each in front of the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from makiserve.stream.engine.code import Code

State = list[Any]
"""The slots of one scope. Slot 0 is the state of the enclosing scope."""


class Stage(NamedTuple):
    """The rest of a pipeline after a point: the code that can be written there.

    Two facts decide whether a write to a slot made at that point must be undoable. `raises`: pushing may fail.
    `repeats`: the same record may come back, or be pushed elsewhere, after the push has returned, and fail there.

    Attributes:
        push: writes the code for an item, given as an expression, inline.
        call: writes a call of a function that does the same, for code off the hot path or written several times.
        complete: writes the code that completes the stream.
    """

    push: Callable[[Code, str], None]
    call: Callable[[Code, str], None]
    complete: Callable[[Code], None]
    raises: bool = True
    repeats: bool = False


class Part(NamedTuple):
    """The code that an operator writes: its push and its completion."""

    push: Callable[[Code, str], None]
    complete: Callable[[Code], None]
