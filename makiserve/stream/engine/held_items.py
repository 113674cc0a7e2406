"""Items that an operator holds, and gives to functions together with a later item, as `lag` does.

If such a function fails, either item may be the cause. The later one is undone, and the next item takes its place. If a
function fails with that one, too, the held item is dropped, as if it had never come. See decision 0270.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from makiserve.stream.engine.code import Code, Held
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import State

DEEPEST_TRY = 4
"""Number of nested `try` statements for held items in a function: Python takes 20 nested blocks."""


class HeldItems:
    """What an operator holds in a scope, and how many items in a row have failed with it: 0 or 1 in a slot.

    The operator writes 0 when an item passes.

    Args:
        scope: the scope.
        held: the slot of what is held: an item, or a deque of items of which the first is given to functions.
        operator: what a message calls the operator.
        drop: drops what is held; None drops the item.

    Attributes:
        slot: the slot of the number.
        operator: what a message calls the operator.
    """

    def __init__(self, scope: Scope, held: int, operator: str, drop: Callable[[State], None] | None = None) -> None:
        self.slot, self.operator = scope.value(0), operator
        self._held, self._drop, self._first = held, drop or self._drop_item, scope.slots[held - 1].first
        scope.held.append(self)

    def in_use(self, state: State) -> Any:
        """Return what of it functions are given, before the item that fails is undone; None if that is always known."""

    def failures(self, state: State, in_use: Any) -> int | None:
        """Return how many items in a row have failed with what is held; None if nothing is held.

        Args:
            state: the state that it is in.
            in_use: what `in_use` returned.
        """
        held = state[self._held]
        is_empty = not held if isinstance(held, deque) else held is self._first
        return None if is_empty else int(state[self.slot])

    def fail(self, state: State, failures: int, in_use: Any) -> None:
        """Note that an item has failed with what is held, after `failures` others in a row."""
        if failures:
            self.drop(state, in_use)
        state[self.slot] = 0 if failures else 1

    @contextmanager
    def given(self, code: Code, state: str) -> Iterator[None]:
        """Write that functions are given what is held: it may be the cause if the code that is written inside fails."""
        held = Held(code.constant(self, "held"), state)
        for passed in code.notes:
            code.line(f"{passed}.append({held.causes})")
        with holding(code, held):
            yield

    def drop(self, state: State, in_use: Any) -> None:
        """Drop what functions were given."""
        self._drop(state)

    def _drop_item(self, state: State) -> None:
        held = state[self._held]
        if isinstance(held, deque):
            held.popleft()
        else:
            state[self._held] = MISSING


@contextmanager
def holding(code: Code, *held: Held) -> Iterator[None]:
    """Write that held items may be the cause if the code that is written inside fails.

    In a deep nest the statement around it takes the items over: they then count as held where that one begins.
    """
    statements = code.holding
    if len(statements) >= DEEPEST_TRY and {items.state for items in held} <= {items.state for items in statements[-1]}:
        statements[-1].extend(held)
        yield
        return
    statements.append(list(held))
    error = code.name("error")
    with code.trying():
        yield
    noted = statements.pop()
    with code.block(f"except BaseException as {error}:"):
        for cause in dict.fromkeys(noted):
            code.line(f"journal.{'fail_held' if cause.state else 'fail_all'}({error}, {cause.causes})")
        code.line("raise")
