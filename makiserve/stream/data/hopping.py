"""Hopping windows in event time: the general implementation, and one that slices them into panes.

Windows are numbered: window k begins k strides after 1970. A pane is the largest span that divides window and stride
(Traub et al., "Scotty", TODS 2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import gcd

from makiserve.stream.data.window_bounds import bounds_expression
from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import completing
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage, State


@dataclass(frozen=True)
class Spans:
    """The durations, in ms, and expressions derived from them.

    Positions are the times that window and stride are measured in: milliseconds, or what a subclass makes of them.
    """

    window: int
    stride: int
    lateness: int

    @property
    def pane(self) -> int:
        """The length of a pane, in ms."""
        return gcd(self.window, self.stride)

    def position(self, code: Code, time: str) -> str:
        """Write the position of a time, and return the variable that holds it."""
        return time

    def closed(self, code: Code, now: str) -> str:
        """Return the expression for the last window that is closed when the latest time is `now`."""
        return f"({now} - {self.window + self.lateness}) // {self.stride}"

    @property
    def has_gaps(self) -> bool:
        """Return whether there are gaps between windows."""
        return self.stride > self.window

    def has_window(self, position: str) -> str:
        """Return the expression for whether a position is in a window, not in a gap."""
        return f"{position} % {self.stride} < {self.window}"

    def bounds(self, code: Code, number: str, like: str) -> str:
        """Return the expression for start and end of a window, in the form of a time that `time_mapper` returned."""
        return bounds_expression(code, f"{number} * {self.stride}", f"{number} * {self.stride} + {self.window}", like)

    def due(self, panes: dict[int, State], since: int, until: int | None) -> Iterator[tuple[int, list[State]]]:
        """Yield number and panes, in order, of each window that has any, from `since` to `until` or to the last one."""
        size, step = self.window // self.pane, self.stride // self.pane
        for pane in sorted(panes):
            first = max(since, -((size - 1 - pane) // step))
            last = pane // step if until is None else min(pane // step, until)
            for begin in range(first * step, last * step + 1, step):
                yield begin // step, [panes[number] for number in range(begin, begin + size) if number in panes]
            since = max(since, last + 1)


class HoppingWindows:
    """Every open window is a scope, and each item is pushed into all that are open at its time."""

    def __init__(self, plan: Plan, spans: Spans, then: Stage, scope: Scope) -> None:
        self._inner, self._layout = build_inner(plan, self._stage(then, spans), scope, is_window=True)
        self._slot, self._removed = scope.container(dict, self._layout), scope.value(())
        self._spans, self._scope = spans, scope

    def _stage(self, then: Stage, spans: Spans) -> Stage:
        repeats = then.repeats or spans.stride < spans.window  # a later window may fail after an earlier one wrote
        return then._replace(repeats=repeats)

    def write_push(self, code: Code, item: str, given: str, position: str, closed: str) -> None:
        """Write that an item is pushed into its windows after `closed`.

        Args:
            code: the program.
            item: the variable of the item.
            given: that of its time, as `time_mapper` returned it.
            position: that of its position.
            closed: that of the number of the last window that is closed.
        """
        number, first = code.name("number"), f"({position} - {self._spans.window}) // {self._spans.stride}"
        with code.block(f"for {number} in range(max({closed}, {first}) + 1, {position} // {self._spans.stride} + 1):"):
            self._write_push(code, item, number, self._spans.bounds(code, number, given))

    def write_close(self, code: Code, since: str, until: str | None) -> None:
        """Write that the windows up to `until`, or all if it is None, complete."""
        state = code.state(self._scope)
        windows, number = code.let("windows", f"{state}[{self._slot}]"), code.name("number")
        code.remember(state)
        with code.block(f"for {number} in sorted({windows}):"):
            if until is not None:
                with code.block(f"if {number} > {until}:"):
                    code.line("break")
            self._write_skip(code, state, number)
            window = code.let("window", f"{windows}[{number}]")
            code.remember(window)
            with self._completing(code, state, number), code.inside(self._layout, window):
                self._inner.complete(code)
        kept = f"{{n: window for n, window in {windows}.items() if n > {until}}}" if until is not None else "{}"
        code.line(f"{state}[{self._slot}] = {kept}")
        self._write_forget(code, state, until)

    def _completing(self, code: Code, state: str, number: str) -> AbstractContextManager[None]:
        bounds = self._spans.bounds(code, number, "0")
        return completing(code, "window", f"'window from %d ms to %d ms' % {bounds}", self._remove, state, number)

    def _remove(self, state: State, number: int) -> None:
        if number not in state[self._removed]:
            state[self._removed] = (*state[self._removed], number)

    def _write_skip(self, code: Code, state: str, number: str) -> None:
        """Write that a window that could not complete at an earlier item is left out."""
        with code.block(f"if {number} in {state}[{self._removed}]:"):
            code.line("continue")

    def _write_forget(self, code: Code, state: str, until: str | None) -> None:
        """Write that the windows up to `until` are over: none of them can come back."""
        with code.block(f"if {state}[{self._removed}]:"):
            left = f"tuple(n for n in {state}[{self._removed}] if n > {until})" if until is not None else "()"
            code.line(f"{state}[{self._removed}] = {left}")

    def _write_push(self, code: Code, item: str, number: str, bounds: str) -> None:
        state = code.state(self._scope)
        children = code.let("opened", f"{state}[{self._slot}]")
        child = code.let("child", f"{children}.get({number})")
        with code.block(f"if {child} is None:"):
            code.line(f"{child} = {children}[{number}] = {self._layout.write_new(code, state)}")
            code.line(f"journal.append(({children}.pop, {number}))")
            self._layout.write_bounds(code, child, bounds)
        if self._layout.guarded:
            with code.block("else:"):
                self._layout.write_enter(code, child)
        with code.inside(self._layout, child):
            self._inner.push(code, item)


class HoppingPanes(HoppingWindows):
    """Each item updates one pane, and a window is the merge of its panes.

    In place of bounds, a pane has the time of its first item, which shows the form that they will have.
    """

    def _stage(self, then: Stage, spans: Spans) -> Stage:
        return then

    def write_push(self, code: Code, item: str, given: str, position: str, closed: str) -> None:
        with code.block(f"if {self._spans.has_window(position)}:") if self._spans.has_gaps else nullcontext():
            self._write_push(code, item, code.let("number", f"{position} // {self._spans.pane}"), given)

    def write_close(self, code: Code, since: str, until: str | None) -> None:
        """Write that the windows from `since` to `until`, or to the last one, are merged and complete."""
        state = code.state(self._scope)
        panes, due = code.let("panes", f"{state}[{self._slot}]"), code.constant(self._spans.due, "due")
        number, window_panes = code.name("number"), code.name("panes")
        code.remember(state)
        with code.block(f"for {number}, {window_panes} in {due}({panes}, {since}, {until}):"):
            self._write_skip(code, state, number)
            with self._completing(code, state, number):  # a merge may fail, and bounds may have no datetime
                window, pane = code.let("window", f"{window_panes}[0].copy()"), code.name("pane")
                with code.block(f"for {pane} in {window_panes}[1:]:"):
                    code.line(f"{window} = {self._layout.write_merge(code)}({window}, {pane})")
                like = f"{window}[{self._layout.bounds}]"
                self._layout.write_bounds(code, window, self._spans.bounds(code, number, like))
                with code.inside(self._layout, window):
                    self._inner.complete(code)
        step = self._spans.stride // self._spans.pane
        kept = f"{{n: pane for n, pane in {panes}.items() if n // {step} > {until}}}" if until is not None else "{}"
        code.line(f"{state}[{self._slot}] = {kept}")
        self._write_forget(code, state, until)
