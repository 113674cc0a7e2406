"""What a pipeline emits, as a lane that ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from makiserve.stream.engine.program import FeedResult, Program
from makiserve.stream.engine.trace import trace


def emitted(pipeline: Any, items: Iterable[Any]) -> list[Any]:
    """What comes out of `pipeline`, what it emits at completion included; no item may fail."""
    program = Program(trace(pipeline))
    state = program.new_state()
    fed = program.feed(items, state)
    assert not fed.failures
    return [*fed.outputs, *program.complete(state)]


def has_trace(fed: FeedResult) -> bool:
    """Whether a record failed because a window or a group could not complete: its one trace is that this is gone."""
    return any(error.has_trace for _, error in fed.failures)
