"""Trailing windows in event time: the general implementation, and one that merges partial results.

The partial result of one item is called a pane, as in the other windows. A window of n milliseconds contains exactly
one multiple of n, which cuts it in two: its panes before are merged from the right, those after from the left, and then
both. So most merges are shared by all windows with the same cut, and no result depends on earlier windows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import accumulate
from typing import Any

from makiserve.stream.data.trailing_bounds import TrailingBounds
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
        self, plan: Plan, bounds: TrailingBounds, time_mapper: Callable[[Any], Any], then: Stage, scope: Scope
    ) -> None:
        self._inner, self._layout = build_inner(
            plan, then._replace(repeats=True), scope, is_window=True, may_be_empty=not bounds.has_item
        )
        self._kept, self._scope = scope.value(()), scope
        self._bounds, self._time_mapper = bounds, time_mapper

    def write_push(self, code: Code, item: str) -> None:
        """Write that an item is added, and that its window runs and completes."""
        given, time = write_time(code, self._time_mapper, item)
        state = code.state(self._scope)
        code.remember(state)
        items, window, window_item = code.name("items"), code.name("window"), code.name("item")
        add = code.constant(self._add, "add")
        code.line(f"{state}[{self._kept}], {items} = {add}({state}[{self._kept}], {time}, {item})")
        code.line(f"{window} = {self._layout.write_new(code, state)}")
        bounds = bounds_expression(code, f"{time} - {self._bounds.window_ms}", time, given)
        self._layout.write_bounds(code, window, bounds)
        with code.block(f"for {window_item} in {items}:"), code.inside(self._layout, window):
            self._inner.push(code, window_item)
        with code.inside(self._layout, window):
            self._inner.complete(code)

    def _add(self, kept: Kept, time: int, item: Any) -> tuple[Kept, list[Any]]:
        """Return the items that are kept from now on, and those of an item's window."""
        at = bisect_right(kept, time, key=_time_of)
        added = (*kept[:at], (time, item), *kept[at:])
        oldest = bisect_right(added, added[-1][0] - self._bounds.reach_ms, key=_time_of)
        end = at + 1 if self._bounds.has_item else bisect_left(added, time, key=_time_of)
        window = added[oldest:end] if oldest <= at else added[at:end]
        return added[oldest:], [item for _, item in window]


def _time_of(kept: tuple[int, Any]) -> int:
    return kept[0]


class TrailingPanes:
    """Each item has a pane, and a window is the merge of its panes.

    The panes are in two lists: those before the last multiple of the window's length, the oldest last, and those since,
    the newest last. The merges of both are derived from them, so that a checkpoint leaves them out.
    """

    def __init__(
        self, plan: Plan, bounds: TrailingBounds, time_mapper: Callable[[Any], Any], then: Stage, scope: Scope
    ) -> None:
        self._inner, self._layout = build_inner(plan, then, scope, is_window=True, may_be_empty=not bounds.has_item)
        self._before, self._since = scope.container(list, self._layout), scope.container(list, self._layout)
        self._suffixes, self._prefix = scope.container(list, is_kept=False), scope.container(list, is_kept=False)
        self._time = self._layout.value(0, min)
        self._scope, self._window_ms, self._time_mapper = scope, bounds.window_ms, time_mapper
        self._gap, self._length, self._reach = bounds.gap_ms, bounds.length_ms, bounds.reach_ms

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
        """Add the pane of an item, and return the window of the item."""
        time, newest = pane[self._time], self._newest(state, pane)
        if time <= newest - self._reach:
            return self._alone(state, pane)
        end = newest - self._gap
        if time < newest:
            self._insert_late(state, pane, end)
            return self._late_window(state, time - self._gap, end, merge)
        self._append(state, pane, newest, merge)
        return self._window(state, merge)

    def _newest(self, state: State, pane: State) -> int:
        """Return the latest time, given the pane of a new item."""
        return self._time_of((state[self._since] or [pane])[-1])

    def _alone(self, state: State, pane: State) -> State:
        """Return the window of an item that is too late to be kept."""
        return pane.copy()

    def _append(self, state: State, pane: State, newest: int, merge: Merge) -> None:
        """Add the pane of an item that is not late."""
        time = pane[self._time]
        self._turn(state, newest, time)
        self._evict(state, time - self._length)
        self._extend(state, pane, merge)

    def _turn(self, state: State, end: int, later: int) -> None:
        """Turn to the multiple of the length that cuts windows with a later end."""
        buckets = later // self._length - end // self._length
        if buckets:
            state[self._before], state[self._since] = state[self._since][::-1] if buckets == 1 else [], []
            state[self._suffixes], state[self._prefix] = [], []

    def _evict(self, state: State, horizon: int) -> None:
        """Remove the panes that are not after a time."""
        for panes in (state[self._suffixes], state[self._before]):
            while panes and panes[-1][self._time] <= horizon:
                self._scope.journal.append((panes.append, panes.pop()))

    def _extend(self, state: State, pane: State, merge: Merge) -> None:
        """Add a pane that is not before any other."""
        self._insert(state[self._since], len(state[self._since]), pane)
        prefix = merge(state[self._prefix][0], pane) if state[self._prefix] else self._fold(state[self._since], merge)
        state[self._prefix] = [prefix]

    def _insert_late(self, state: State, pane: State, end: int) -> None:
        """Insert the pane of a late item; `end` is the end of the newest window."""
        time, before, since = pane[self._time], state[self._before], state[self._since]
        if time // self._length == end // self._length:
            self._insert(since, bisect_right(since, time, key=self._time_of), pane)
            state[self._prefix] = []
        else:
            self._insert(before, self._first_of_before(before, time), pane)
            state[self._suffixes] = []

    def _late_window(self, state: State, last: int, end: int, merge: Merge) -> State:
        """Return the window of a late item that ends at `last`; `end` is the end of the newest window."""
        if last // self._length == end // self._length:
            since = state[self._since]
            panes = since[: bisect_right(since, last, key=self._time_of)]
            return self._joined(state, self._fold(panes, merge) if panes else None, merge)
        before = state[self._before]
        panes = before[self._first_of_before(before, last) :]
        return self._fold(reversed(panes), merge) if panes else self._layout.new(state)

    def _first_of_before(self, before: list[State], time: int) -> int:
        """Return the index of the newest pane that is not after a time."""
        return bisect_left(before, -time, key=lambda kept: -self._time_of(kept))

    def _time_of(self, pane: State) -> int:
        time: int = pane[self._time]
        return time

    def _insert(self, panes: list[State], at: int, pane: State) -> None:
        panes.insert(at, pane)
        self._scope.journal.append((panes.pop, at))

    def _window(self, state: State, merge: Merge) -> State:
        """Return the window of all panes in the two lists."""
        if state[self._since] and not state[self._prefix]:
            state[self._prefix] = [self._fold(state[self._since], merge)]
        return self._joined(state, state[self._prefix][0] if state[self._prefix] else None, merge)

    def _joined(self, state: State, prefix: State | None, merge: Merge) -> State:
        """Return the window of all panes before the cut, and those after it that are in `prefix`."""
        before = state[self._before]
        if not before:
            return self._layout.new(state) if prefix is None else prefix.copy()
        if not state[self._suffixes]:
            state[self._suffixes] = list(accumulate(before, lambda later, pane: merge(pane, later)))
        suffix: State = state[self._suffixes][-1]
        return suffix.copy() if prefix is None else merge(suffix, prefix)

    @staticmethod
    def _fold(panes: Iterable[State], merge: Merge) -> State:
        """Return the merge of panes, from the left, as a separate state."""
        return reduce(merge, panes).copy()


class PrecedingPanes(TrailingPanes):
    """Windows that end before their items.

    The panes of the newest time are in no window yet. They are in a third list, until an item with a later time comes.
    """

    def __init__(
        self, plan: Plan, bounds: TrailingBounds, time_mapper: Callable[[Any], Any], then: Stage, scope: Scope
    ) -> None:
        super().__init__(plan, bounds, time_mapper, then, scope)
        self._ahead = scope.container(list, self._layout)

    def _newest(self, state: State, pane: State) -> int:
        return self._time_of((state[self._ahead] or [pane])[-1])

    def _alone(self, state: State, pane: State) -> State:
        return self._layout.new(state)

    def _append(self, state: State, pane: State, newest: int, merge: Merge) -> None:
        time = pane[self._time]
        if time == newest:
            self._insert(state[self._ahead], len(state[self._ahead]), pane)
            return
        self._turn(state, newest - 1, newest)
        for other in state[self._ahead]:
            self._extend(state, other, merge)
        self._turn(state, newest, time - 1)
        self._evict(state, time - 1 - self._length)
        state[self._ahead] = [pane]
