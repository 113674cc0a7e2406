"""Trailing windows in event time: the general implementation, and one that merges partial results.

The partial result of one item is called a pane, as in the other windows. A window of length W that ends at t contains
exactly one multiple of W, which cuts it in two: its panes before are merged from the right, those after from the left,
and then both. So most merges are shared by all windows with the same cut, and no result depends on earlier windows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import accumulate
from typing import Any

from makiserve.stream.data.window_bounds import bounds_expression, write_time
from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage, State

Merge = Callable[[State, State], State]
Kept = tuple[tuple[int, Any], ...]
"""Items with their times, in the order of time; of equal times, in the order in which they came."""


class TrailingItems:
    """The items of the window are kept, and each window runs the pipeline on all of them."""

    def __init__(
        self, plan: Plan, window_ms: int, time_mapper: Callable[[Any], Any], then: Stage, scope: Scope
    ) -> None:
        self._inner, self._layout = build_inner(plan, then._replace(repeats=True), scope, is_window=True)
        self._kept, self._scope = scope.value(()), scope
        self._window_ms, self._time_mapper = window_ms, time_mapper

    def write_push(self, code: Code, item: str) -> None:
        """Write that an item is added, and that its window runs and completes."""
        given, time = write_time(code, self._time_mapper, item)
        state = code.state(self._scope)
        code.remember(state)
        items, window, each = code.name("items"), code.name("window"), code.name("item")
        add = code.constant(self._add, "add")
        code.line(f"{state}[{self._kept}], {items} = {add}({state}[{self._kept}], {time}, {item})")
        code.line(f"{window} = {self._layout.write_new(code, state)}")
        bounds = bounds_expression(code, f"{time} - {self._window_ms}", time, given)
        self._layout.write_bounds(code, window, bounds)
        with code.block(f"for {each} in {items}:"), code.inside(self._layout, window):
            self._inner.push(code, each)
        with code.inside(self._layout, window):
            self._inner.complete(code)

    def _add(self, kept: Kept, time: int, item: Any) -> tuple[Kept, list[Any]]:
        """Return the items that are kept from now on, and those of the window that ends at an item."""
        at = bisect_right(kept, time, key=_time_of)
        added = (*kept[:at], (time, item), *kept[at:])
        oldest = bisect_right(added, added[-1][0] - self._window_ms, key=_time_of)
        window = added[oldest : at + 1] or added[at : at + 1]
        return added[oldest:], [item for _, item in window]


def _time_of(kept: tuple[int, Any]) -> int:
    return kept[0]


class TrailingPanes:
    """Each item has a pane, and a window is the merge of its panes.

    The panes are in two lists: those before the last multiple of the window's length, the oldest last, and those since,
    the newest last. The merges of both are derived from them, so that a checkpoint leaves them out.
    """

    def __init__(
        self, plan: Plan, window_ms: int, time_mapper: Callable[[Any], Any], then: Stage, scope: Scope
    ) -> None:
        self._inner, self._layout = build_inner(plan, then, scope, is_window=True)
        self._before, self._since = scope.container(list, self._layout), scope.container(list, self._layout)
        self._suffixes, self._prefix = scope.container(list, is_kept=False), scope.container(list, is_kept=False)
        self._time = self._layout.value(0, min)
        self._scope, self._window_ms, self._time_mapper = scope, window_ms, time_mapper

    def write_push(self, code: Code, item: str) -> None:
        """Write that an item is added, and that its window completes, as a separate state."""
        given, time = write_time(code, self._time_mapper, item)
        state = code.state(self._scope)
        pane = code.let("pane", self._layout.write_new(code, state))
        code.line(f"{pane}[{self._time}] = {time}")
        with code.inside(self._layout, pane), code.settled():
            self._inner.push(code, item)
        code.remember(state)
        add, merge = code.constant(self._add, "add"), self._layout.write_merge(code)
        window = code.let("window", f"{add}({state}, {pane}, {merge})")
        bounds = bounds_expression(code, f"{time} - {self._window_ms}", time, given)
        self._layout.write_bounds(code, window, bounds)
        with code.inside(self._layout, window):
            self._inner.complete(code)

    def _add(self, state: State, pane: State, merge: Merge) -> State:
        """Add the pane of an item, and return the window that ends at it."""
        time, newest = pane[self._time], self._newest(state, pane)
        if time <= newest - self._window_ms:
            return pane.copy()
        if time < newest:
            return self._add_late(state, pane, merge)
        if time // self._window_ms > newest // self._window_ms:
            is_next = time // self._window_ms == newest // self._window_ms + 1
            state[self._before], state[self._since] = state[self._since][::-1] if is_next else [], []
            state[self._suffixes], state[self._prefix] = [], []
        self._evict(state, time - self._window_ms)
        self._insert(state[self._since], len(state[self._since]), pane)
        prefix = merge(state[self._prefix][0], pane) if state[self._prefix] else self._fold(state[self._since], merge)
        state[self._prefix] = [prefix]
        return self._joined(state, prefix, merge)

    def _add_late(self, state: State, pane: State, merge: Merge) -> State:
        time, before, since = pane[self._time], state[self._before], state[self._since]
        if time // self._window_ms == since[-1][self._time] // self._window_ms:
            at = bisect_right(since, time, key=self._time_of)
            self._insert(since, at, pane)
            state[self._prefix] = []
            return self._joined(state, self._fold(since[: at + 1], merge), merge)
        at = bisect_left(before, -time, key=lambda kept: -self._time_of(kept))
        self._insert(before, at, pane)
        state[self._suffixes] = []
        return self._fold(reversed(before[at:]), merge)

    def _newest(self, state: State, pane: State) -> int:
        newest: int = (state[self._since] or [pane])[-1][self._time]
        return newest

    def _time_of(self, pane: State) -> int:
        time: int = pane[self._time]
        return time

    def _evict(self, state: State, horizon: int) -> None:
        """Remove the panes that are not after a time."""
        for panes in (state[self._suffixes], state[self._before]):
            while panes and panes[-1][self._time] <= horizon:
                self._scope.journal.append((panes.append, panes.pop()))

    def _insert(self, panes: list[State], at: int, pane: State) -> None:
        panes.insert(at, pane)
        self._scope.journal.append((panes.pop, at))

    def _joined(self, state: State, prefix: State, merge: Merge) -> State:
        """Return the window of all panes before the cut, and those after it that are in `prefix`."""
        before = state[self._before]
        if not before:
            return prefix.copy()
        if not state[self._suffixes]:
            state[self._suffixes] = list(accumulate(before, lambda later, pane: merge(pane, later)))
        return merge(state[self._suffixes][-1], prefix)

    @staticmethod
    def _fold(panes: Iterable[State], merge: Merge) -> State:
        """Return the merge of panes, from the left, as a separate state."""
        return reduce(merge, panes).copy()
