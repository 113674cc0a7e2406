"""Count windows, the general way: every open window is a scope, and each item is pushed into all of them."""

from __future__ import annotations

from typing import Any

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.operator import Stage, State
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope


def build_windows(plan: Plan, window: int, stride: int, then: Stage, scope: Scope) -> Stage:
    """Compile `plan` to run in windows of `window` items that open every `stride` items."""
    overlapping = stride < window
    # an item goes to all open windows: a later one may fail after an earlier one wrote
    inner, layout = build_inner(plan, then._replace(repeats=then.repeats or overlapping), scope)
    position, opened = scope.value(0), scope.container(list, layout)
    journal, inner_push, inner_complete, end = scope.journal, inner.push, inner.complete, then.complete
    scope.writes_last(then)

    def push(item: Any, state: State) -> None:
        count, windows = state[position], state[opened]
        if count % stride == 0:
            windows.append(layout.new(state))
            journal.append((windows.pop,))
        for child in windows:
            if layout.guarded:
                journal.enter(child)
            inner_push(item, child)
        count += 1
        if count >= window and (count - window) % stride == 0:
            journal.enter(state)
            state[position] = count
            oldest = windows.pop(0)
            journal.append((windows.insert, 0, oldest))
            journal.enter(oldest)
            inner_complete(oldest)
        else:
            state[position] = count

    def complete(state: State) -> None:
        windows, state[opened], state[position] = state[opened], [], 0
        for child in windows:
            journal.enter(child)
            inner_complete(child)
        end(state)

    return Stage(push, complete)
