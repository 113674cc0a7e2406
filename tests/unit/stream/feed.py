"""The outputs of a pipeline for a lane that ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.trace import trace


def emitted(pipeline: Any, items: Iterable[Any]) -> list[Any]:
    """Return the outputs of `pipeline`, with those at completion; no item may fail."""
    program = Program(trace(pipeline))
    state = program.new_state()
    fed = program.feed(items, state)
    assert not fed.failures
    return [*fed.outputs, *program.complete(state)]


class Failing(NamedTuple):
    """The outputs of a pipeline while some of its functions failed.

    Attributes:
        fed: for each record the outputs, and the error if it failed.
        accepted: the indexes of the records that did not fail.
        has_removed: whether a window or a group that could not complete was removed, or a held item dropped.
        state: the state afterwards, without the marks of what may be the cause of a failure.
    """

    fed: list[tuple[list[Any], str | None]]
    accepted: list[int]
    has_removed: bool
    state: bytes

    @property
    def outputs(self) -> list[Any]:
        return [output for outputs, _ in self.fed for output in outputs]


def while_failing(
    program: Program, items: Iterable[Any], arm: Callable[[int], object], *, is_cut: bool = False
) -> tuple[Failing, Any]:
    """Feed items one by one, each after `arm(index)` has decided which functions fail; also return the state.

    With `is_cut`, the state is restored from a checkpoint after each record.
    """
    state, checkpoints, fed, accepted = program.new_state(), Checkpoints(program), list[Any](), list[int]()
    for index, item in enumerate(items):
        arm(index)
        outputs, _, failures = program.feed([item], state)
        fed.append((outputs, str(failures[0][1]) if failures else None))
        accepted += [] if failures else [index]
        if is_cut:
            state = checkpoints.load(checkpoints.dump(state))
    is_removed = any(error and REMOVED.search(error) for _, error in fed)
    return Failing(fed, accepted, is_removed, dump_without_marks(program, state)), state


def dump_without_marks(program: Program, state: Any) -> bytes:
    """Return the checkpoint of a state that has forgotten what may be the cause of a failure."""
    checkpoints = Checkpoints(program)
    copied = checkpoints.load(checkpoints.dump(state))
    _forget_marks(copied, program.scope)
    return checkpoints.dump(copied)


REMOVED = re.compile(r"\. (The \w+ is removed without output$|(It|That of .*) is dropped, as if)")


def _forget_marks(state: Any, scope: Scope) -> None:
    for mark in scope.marks + scope.held:
        state[mark.slot] = 0
    for content, slot in zip(state[1:], scope.slots, strict=True):
        if slot.child is not None:
            for child in content.values() if isinstance(content, dict) else content:
                _forget_marks(child, slot.child)
