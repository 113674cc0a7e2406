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
from math import gcd
from typing import Any

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.operator import Stage, State
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope


def build_panes(plan: Plan, window: int, stride: int, then: Stage, scope: Scope) -> Stage:
    """Compile a mergeable `plan` to run in windows of `window` items that open every `stride` items."""
    inner, layout = build_inner(plan, then, scope)
    panes = Panes(window, stride, scope, layout, inner.complete)
    size, position, current = panes.size, panes.position, panes.current
    journal, inner_push, close, end = scope.journal, inner.push, panes.close, then.complete
    enter = journal.enter if layout.guarded else None
    scope.writes_last(then)

    def push(item: Any, state: State) -> None:
        count, pane = state[position], state[current]
        if count % size == 0 and count % stride < window:
            pane.append(layout.new(state))
            journal.append((pane.pop,))
        elif not pane:  # between windows
            state[position] = count + 1
            return
        if enter:
            enter(pane[0])
        inner_push(item, pane[0])
        count += 1
        if count % size:
            state[position] = count
        else:
            close(count, state)

    def complete(state: State) -> None:
        panes.flush(state)
        end(state)

    return Stage(push, complete)


class Panes:
    """The pane being filled and the stacks of full ones, as slots of the roll's scope."""

    def __init__(self, window: int, stride: int, scope: Scope, layout: Scope, emit: Callable[[State], None]) -> None:
        self.window, self.stride, self.size = window, stride, gcd(window, stride)
        self.position, self.current = scope.value(0), scope.container(list, layout)
        self._stacks = Stacks(scope, layout)
        self._journal = scope.journal
        self._emit = emit

    def close(self, count: int, state: State) -> None:
        """End the current pane after `count` items in all; a window that ends with it is emitted."""
        self._journal.enter(state)
        state[self.position] = count
        self._stack(state)
        if count >= self.window and (count - self.window) % self.stride == 0:
            self._emit(self._stacks.window(state))
            self._stacks.evict(min(self.window, self.stride) // self.size, state)

    def flush(self, state: State) -> None:
        """Emit the windows that are still open, oldest first, and start anew."""
        count, state[self.position] = state[self.position], 0
        if state[self.current]:
            self._stack(state)
        closed = (count - self.window) // self.stride + 1 if count >= self.window else 0
        for _ in range(closed * self.stride, count, self.stride):
            self._emit(self._stacks.window(state))
            self._stacks.evict(self.stride // self.size, state)

    def _stack(self, state: State) -> None:
        (pane,), state[self.current] = state[self.current], []
        self._stacks.add(pane, state)


class Stacks:
    """The panes of the window that closes next, as slots of the roll's scope. Lists are replaced, never changed."""

    def __init__(self, scope: Scope, layout: Scope) -> None:
        self._front, self._back = scope.container(list, layout), scope.container(list, layout)
        self._total = scope.container(list, layout)
        self._merger: Callable[[State, State], State] | None = None
        self._layout = layout
        self._journal = scope.journal

    def merge(self, earlier: State, later: State) -> State:
        """The state of two consecutive parts of a window."""
        if self._merger is None:  # the layout is complete only once the plan is compiled
            self._merger = self._layout.merger()
        return self._merger(earlier, later)

    def add(self, pane: State, state: State) -> None:
        """Put a finished pane at the end."""
        back, total = state[self._back], state[self._total]
        back.append(pane)
        self._journal.append((back.pop,))
        state[self._total] = [self.merge(total[0], pane)] if total else [pane]

    def window(self, state: State) -> State:
        """The merge of all panes, as a state of its own that may be completed."""
        front, total = state[self._front], state[self._total]
        if front and total:
            return self.merge(front[-1], total[0])
        only: State = front[-1] if front else total[0]
        return only.copy()

    def evict(self, panes: int, state: State) -> None:
        """Drop the oldest panes; fewer where fewer are held."""
        for _ in range(panes):
            if not state[self._front]:
                self._turn(state)
            front = state[self._front]
            if not front:
                return
            self._journal.append((front.append, front.pop()))

    def _turn(self, state: State) -> None:
        """Make the back stack the front one: suffix merges, the oldest pane on top."""
        front: list[State] = []
        for pane in reversed(state[self._back]):
            front.append(self.merge(pane, front[-1]) if front else pane)
        state[self._front], state[self._back], state[self._total] = front, [], []
