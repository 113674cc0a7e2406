"""The open part of a stream that is split into parts: one state of the inner pipeline, or none yet."""

from __future__ import annotations

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import completing
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage, State


class OpenPart:
    """Writes the code for the open part, a list of at most one state in a slot of `scope`.

    Args:
        plan: the pipeline of the parts.
        then: the stage after it.
        scope: the enclosing scope.
        current: the slot of `scope` with what decides where the part ends; a part that cannot complete resets it.
        is_window: whether parts are windows of time, which know their bounds.
    """

    def __init__(self, plan: Plan, then: Stage, scope: Scope, current: int, *, is_window: bool = False) -> None:
        self._inner, self._layout = build_inner(plan, then, scope, is_window=is_window)
        if self._layout.bounds is not None:  # they are written before an item is pushed, which may fail
            self._layout.guarded = True
        self._slot = scope.container(list, self._layout)
        self._scope, self._current, self._first = scope, current, scope.slots[current - 1].first
        self._kind = "session" if is_window else "part"

    def write_open(self, code: Code, bounds: str = "") -> str:
        """Write that a part with these bounds is opened if there is none; return the variable that holds its list."""
        state = code.state(self._scope)
        opened = code.let("opened", f"{state}[{self._slot}]")
        with code.block(f"if not {opened}:"):
            code.line(f"{opened}.append({self._layout.write_new(code, state)})")
            code.line(f"journal.append(({opened}.clear,))")  # it may be gone, if it could not complete
            self._layout.write_bounds(code, f"{opened}[0]", bounds)
        return opened

    def write_push(self, code: Code, opened: str, item: str, bounds: str = "") -> None:
        """Write that an item is pushed into the part, which has these bounds from now on."""
        part = code.let("part", f"{opened}[0]")
        self._layout.write_enter(code, part)
        self._layout.write_bounds(code, part, bounds)
        with code.inside(self._layout, part):
            self._inner.push(code, item)

    def write_next(self, code: Code, opened: str, bounds: str = "") -> None:
        """Write that the part completes and a new one begins, with these bounds."""
        part = self._write_complete(code, opened)
        code.line(f"{opened}[0] = {self._layout.write_new(code, code.state(self._scope))}")
        code.line(f"journal.append((restore, {opened}, [{part}]))")
        self._layout.write_bounds(code, f"{opened}[0]", bounds)

    def write_end(self, code: Code) -> None:
        """Write that the part, if there is one, completes with the stream."""
        opened = code.let("opened", f"{code.state(self._scope)}[{self._slot}]")
        with code.block(f"if {opened}:"):
            self._write_complete(code, opened)

    def _write_complete(self, code: Code, opened: str) -> str:
        part = code.let("part", f"{opened}[0]")
        code.remember(part)
        what, state = (self._kind, repr(f"open {self._kind}")), code.state(self._scope)
        with completing(code, *what, self._remove, state, opened, part), code.inside(self._layout, part):
            self._inner.complete(code)
        return part

    def drop(self, state: State) -> None:
        """Drop the open part, with which functions fail."""
        state[self._slot].clear()
        state[self._current] = self._first

    def _remove(self, state: State, opened: list[State], part: State) -> None:
        if opened and opened[0] is part:
            opened.clear()
            state[self._current] = self._first
