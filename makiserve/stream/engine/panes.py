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
    size = gcd(window, stride)
    position, current = scope.value(0), scope.container(list, layout)
    stacks = Stacks(scope, layout)
    journal, inner_push, inner_complete, end = scope.journal, inner.push, inner.complete, then.complete
    enter = journal.enter if layout.guarded else None
    scope.writes_last(then)

    def push(item: Any, state: State) -> None:
        count, pane = state[position], state[current]
        if count % size == 0:
            if stride > window and count % stride >= window:
                return skip(state, count)
            pane.append(layout.new(state))
            journal.append((pane.pop,))
        elif not pane:
            return skip(state, count)
        if enter:
            enter(pane[0])
        inner_push(item, pane[0])
        count += 1
        if count % size == 0:
            close_pane(state, count)
        else:
            state[position] = count
        return None

    def skip(state: State, count: int) -> None:
        state[position] = count + 1

    def close_pane(state: State, count: int) -> None:
        journal.enter(state)
        state[position], pane, state[current] = count, state[current][0], []
        stacks.add(pane, state)
        if count >= window and (count - window) % stride == 0:
            inner_complete(stacks.window(state))
            stacks.evict(min(window, stride) // size, state)

    def complete(state: State) -> None:
        if state[current]:
            stacks.add(state[current][0], state)
            state[current] = []
        done = max(0, (state[position] - window) // stride + 1) if state[position] >= window else 0
        for _ in range(done * stride, state[position], stride):
            if not stacks.is_empty(state):
                inner_complete(stacks.window(state))
                stacks.evict(stride // size, state)
        state[position] = 0
        end(state)

    return Stage(push, complete)


class Stacks:
    """The panes of the window that closes next, as slots of the roll's scope. Lists are replaced, never changed."""

    def __init__(self, scope: Scope, layout: Scope) -> None:
        self._front, self._back = scope.container(list, layout), scope.container(list, layout)
        self._total = scope.container(list, layout)
        self._merge: Callable[[State, State], State] | None = None
        self._layout = layout
        self._journal = scope.journal

    def merge(self, earlier: State, later: State) -> State:
        """The state of two consecutive parts of a window."""
        if self._merge is None:
            self._merge = self._layout.merger()
        return self._merge(earlier, later)

    def is_empty(self, state: State) -> bool:
        """Whether no pane is held."""
        return not state[self._front] and not state[self._back]

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
        return (front[-1] if front else total[0]).copy()

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
