"""Count windows, sliced: each item updates one pane, and a window is the merge of its panes.

A pane is `gcd(window, stride)` items, so that windows begin and end between panes. The panes of the current window are
kept as two stacks (Tangwongsan, Hirzel and Schneider, "In-Order Sliding-Window Aggregation in Worst-Case Constant
Time", VLDB Journal 2021, section on Two-Stacks; slicing after Traub et al., "Scotty", TODS 2021): `front` holds, for
each of its panes, the merge of that pane and all later ones of the stack; `back` holds the panes since, and `total`
their merge. A window is then `merge(front[-1], total)`, whatever its length, and each pane is merged three times in its
life. The stacks depend on the items alone, so the same items give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from math import gcd

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.operator import Part, Stage, State
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope


def build_panes(plan: Plan, window: int, stride: int, then: Stage, scope: Scope) -> Part:
    """Compile a mergeable `plan` to run in windows of `window` items that open every `stride` items."""
    inner, layout = build_inner(plan, then, scope)
    size = gcd(window, stride)
    position, current = scope.value(0), scope.container(list, layout)
    stacks = Stacks(scope, layout)
    scope.writes_last(then)

    def push(code: Code, item: str) -> None:
        state = code.state(scope)
        count, pane = code.let("count", f"{state}[{position}]"), code.let("pane", f"{state}[{current}]")
        opens = f"{count} % {size} == 0" + (f" and {count} % {stride} < {window}" if stride > window else "")
        with code.block(f"if {opens}:"):
            code.line(f"{pane}.append({layout.write_new(code, state)})")
            code.line(f"journal.append(({pane}.pop,))")
        with code.block(f"if {pane}:") if stride > window else nullcontext():  # no pane between windows
            filled = code.let("filled", f"{pane}[0]")
            full = code.let("full", f"({count} + 1) % {size} == 0")
            if layout.guarded:
                layout.write_enter(code, filled)
            else:
                with code.block(f"if {full}:"):  # a window that it completes may fail
                    code.line(f"{code.constant(scope.journal.enter, 'enter')}({filled})")
            with code.inside(layout, filled):
                inner.push(code, item)
            with code.block(f"if {full}:"):
                write_close(code, state, f"{count} + 1")
        code.line(f"{state}[{position}] = {count} + 1")

    def write_close(code: Code, state: str, count: str) -> None:
        """A pane is full: to the stacks with it; if a window ends here, complete it."""
        code.line(f"{code.constant(scope.journal.enter, 'enter')}({state})")
        stacks.write_add(code, state, current)
        with code.block(f"if {count} >= {window} and ({count} - {window}) % {stride} == 0:"):
            merged = stacks.write_window(code, state)
            with code.inside(layout, merged):
                inner.complete(code)
            stacks.write_evict(code, state, min(window, stride) // size)

    def complete(code: Code) -> None:
        """The windows that are still open, oldest first."""
        state = code.state(scope)
        count = code.let("count", f"{state}[{position}]")
        code.line(f"{state}[{position}] = 0")
        with code.block(f"if {state}[{current}]:"):
            stacks.write_add(code, state, current)
        closed = code.let("closed", f"({count} - {window}) // {stride} + 1 if {count} >= {window} else 0")
        with code.block(f"for _ in range({closed} * {stride}, {count}, {stride}):"):
            merged = stacks.write_window(code, state)
            with code.inside(layout, merged):
                inner.complete(code)
            stacks.write_evict(code, state, stride // size)
        then.complete(code)

    return Part(push, complete)


class Stacks:
    """The panes of the window that closes next, as slots of the roll's scope."""

    def __init__(self, scope: Scope, layout: Scope) -> None:
        self._front, self._back = scope.container(list, layout), scope.container(list, layout)
        self._total = scope.container(list, layout)
        self._layout = layout
        self._journal = scope.journal
        self._merges: dict[Code, str] = {}

    def write_add(self, code: Code, state: str, current: int) -> None:
        """Write that the current pane is put at the end."""
        pane, total = code.let("pane", f"{state}[{current}][0]"), code.let("total", f"{state}[{self._total}]")
        code.line(f"{state}[{current}] = []")
        code.line(f"{state}[{self._back}].append({pane})")
        code.line(f"journal.append(({state}[{self._back}].pop,))")
        merged = f"{self._merge(code)}({total}[0], {pane})"
        code.line(f"{state}[{self._total}] = [{merged} if {total} else {pane}]")

    def write_window(self, code: Code, state: str) -> str:
        """Write the merge of all panes, as a state of its own that may be completed; the variable that holds it."""
        front, total = code.let("front", f"{state}[{self._front}]"), code.let("total", f"{state}[{self._total}]")
        window = code.name("window")
        with code.block(f"if {front} and {total}:"):
            code.line(f"{window} = {self._merge(code)}({front}[-1], {total}[0])")
        with code.block("else:"):
            code.line(f"{window} = ({front}[-1] if {front} else {total}[0]).copy()")
        return window

    def write_evict(self, code: Code, state: str, panes: int) -> None:
        """Write that the oldest panes are dropped; fewer where fewer are held."""
        code.line(f"{code.constant(self._evict, 'evict')}({state}, {panes}, {self._merge(code)})")

    def _evict(self, state: State, panes: int, merge: Callable[[State, State], State]) -> None:
        for _ in range(panes):
            if not state[self._front]:
                self._turn(state, merge)
            front = state[self._front]
            if not front:
                return
            self._journal.append((front.append, front.pop()))

    def _turn(self, state: State, merge: Callable[[State, State], State]) -> None:
        """Make the back stack the front one: suffix merges, the oldest pane on top."""
        front: list[State] = []
        for pane in reversed(state[self._back]):
            front.append(merge(pane, front[-1]) if front else pane)
        state[self._front], state[self._back], state[self._total] = front, [], []

    def _merge(self, code: Code) -> str:
        if code not in self._merges:
            self._merges[code] = self._layout.write_merge(code)
        return self._merges[code]
