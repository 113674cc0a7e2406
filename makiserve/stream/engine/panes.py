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
from contextlib import AbstractContextManager, nullcontext
from math import gcd

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.failure_mark import FailureMark
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage, State


def build_panes(plan: Plan, window: int, stride: int, then: Stage, scope: Scope) -> Part:
    """Compile a mergeable `plan` to run in windows of `window` items that open every `stride` items."""
    inner, layout = build_inner(plan, then, scope)
    size = gcd(window, stride)
    position, current = scope.value(0), scope.container(list, layout)
    windows = (OnePane if size == window else OverlappingPanes)(window, stride, scope, layout, inner)
    windows.mark = FailureMark(scope, position, window) if window > 1 else None  # a single item is the only cause
    scope.writes_late(then)

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
                with code.block(f"if {full}:"):  # completing a window may fail
                    code.remember(filled)
            with code.inside(layout, filled), code.settled():
                inner.push(code, item)
            with code.block(f"if {full}:"):
                code.remember(state)
                code.line(f"{state}[{current}] = []")
                windows.write_close(code, state, filled, count)
        code.line(f"{state}[{position}] = {count} + 1")

    def complete(code: Code) -> None:
        state = code.state(scope)
        count, pane = code.let("count", f"{state}[{position}]"), code.let("pane", f"{state}[{current}]")
        code.line(f"{state}[{position}], {state}[{current}] = 0, []")
        windows.write_flush(code, state, pane, count)
        if windows.mark:
            code.line(f"{state}[{windows.mark.slot}] = 0")
        then.complete(code)

    return Part(push, complete)


class OnePane:
    """Windows that do not overlap: each is one pane."""

    mark: FailureMark | None

    def __init__(self, window: int, stride: int, scope: Scope, layout: Scope, inner: Stage) -> None:
        self.window, self.stride, self.layout, self.inner = window, stride, layout, inner

    def write_close(self, code: Code, state: str, pane: str, count: str) -> None:
        """Write that a pane, which is full with the item after `count` others, ends a window."""
        with self._if_kept(code, state, count), self._completing(code, state, count):
            self._write_complete(code, pane)

    def write_flush(self, code: Code, state: str, pane: str, count: str) -> None:
        """Write that the open windows complete after `count` items; `pane` holds the pane that is not full yet."""
        with code.block(f"if {pane}:"), self._if_kept(code, state, count):
            self._write_complete(code, code.let("filled", f"{pane}[0]"))

    def _write_complete(self, code: Code, pane: str) -> None:
        with code.inside(self.layout, pane):
            self.inner.complete(code)

    def _if_kept(self, code: Code, state: str, count: str, *also: str) -> AbstractContextManager[None]:
        """Write a condition: the window that the item after `count` others fills is not removed, or one of `also`."""
        if self.mark is None:
            return nullcontext()
        return code.block(f"if {' or '.join((*also, f'not {self.mark.is_removed(code, state, count)}'))}:")

    def _completing(self, code: Code, state: str, count: str) -> AbstractContextManager[None]:
        return self.mark.completing(code, state, count) if self.mark else nullcontext()


class OverlappingPanes(OnePane):
    """Windows that overlap: the panes of the window that closes next, as two stacks in slots of the roll's scope."""

    def __init__(self, window: int, stride: int, scope: Scope, layout: Scope, inner: Stage) -> None:
        super().__init__(window, stride, scope, layout, inner)
        self._size = gcd(window, stride)
        self._front, self._back = scope.container(list, layout), scope.container(list, layout)
        self._total = scope.container(list, layout)
        self._journal = scope.journal

    def write_close(self, code: Code, state: str, pane: str, count: str) -> None:
        self._write_add(code, state, pane)
        before = self.window - 1
        with code.block(f"if {count} >= {before} and ({count} - {before}) % {self.stride} == 0:"):
            with self._if_kept(code, state, count):
                self._write_window(code, state, self._completing(code, state, count))
            self._write_evict(code, state)

    def write_flush(self, code: Code, state: str, pane: str, count: str) -> None:
        with code.block(f"if {pane}:"):
            self._write_add(code, state, f"{pane}[0]")
        closed = f"({count} - {self.window}) // {self.stride} + 1 if {count} >= {self.window} else 0"
        first = code.let("first", f"({closed}) * {self.stride}")
        start = code.name("start")
        with code.block(f"for {start} in range({first}, {count}, {self.stride}):"):
            with self._if_kept(code, state, count, f"{start} != {first}"):
                self._write_window(code, state, nullcontext())
            self._write_evict(code, state)

    def _write_add(self, code: Code, state: str, pane: str) -> None:
        """Write that a pane is appended."""
        total = code.let("total", f"{state}[{self._total}]")
        code.line(f"{state}[{self._back}].append({pane})")
        code.line(f"journal.append(({state}[{self._back}].pop,))")
        merged = f"{self.layout.write_merge(code)}({total}[0], {pane})"
        code.line(f"{state}[{self._total}] = [{merged} if {total} else {pane}]")

    def _write_window(self, code: Code, state: str, completing: AbstractContextManager[None]) -> None:
        """Write that the merge of all panes completes, as a separate state."""
        front, total = code.let("front", f"{state}[{self._front}]"), code.let("total", f"{state}[{self._total}]")
        window = code.name("window")
        with code.block(f"if {front} and {total}:"):
            code.line(f"{window} = {self.layout.write_merge(code)}({front}[-1], {total}[0])")
        with code.block("else:"):
            code.line(f"{window} = ({front}[-1] if {front} else {total}[0]).copy()")
        with completing:
            self._write_complete(code, window)

    def _write_evict(self, code: Code, state: str) -> None:
        """Write that the panes are removed that only the oldest window has."""
        evict = code.constant(self._evict, "evict")
        code.line(f"{evict}({state}, {self.stride // self._size}, {self.layout.write_merge(code)})")

    def _evict(self, state: State, panes: int, merge: Callable[[State, State], State]) -> None:
        for _ in range(panes):
            if not state[self._front]:
                self._turn(state, merge)
            front = state[self._front]
            if not front:
                return
            self._journal.append((front.append, front.pop()))

    def _turn(self, state: State, merge: Callable[[State, State], State]) -> None:
        """Turn the back stack into the front stack: suffix merges, with the oldest pane on top."""
        front: list[State] = []
        for pane in reversed(state[self._back]):
            front.append(merge(pane, front[-1]) if front else pane)
        state[self._front], state[self._back], state[self._total] = front, [], []
