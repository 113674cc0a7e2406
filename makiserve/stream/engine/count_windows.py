"""Count windows, general implementation: every open window is a scope, and each item is pushed into all of them."""

from __future__ import annotations

from contextlib import nullcontext

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.failure_mark import FailureMark
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage


def build_windows(plan: Plan, window: int, stride: int, then: Stage, scope: Scope) -> Part:
    """Compile `plan` to run in windows of `window` items that open every `stride` items."""
    # an item goes to all open windows, and may complete one: that can fail after it has been written
    inner, layout = build_inner(plan, then._replace(repeats=True), scope)
    position, opened = scope.value(0), scope.container(list, layout)
    mark = FailureMark(scope, position, window) if window > 1 else None  # a single item is the only cause
    scope.writes_late(then)

    def push(code: Code, item: str) -> None:
        state = code.state(scope)
        count, windows, child = code.name("count"), code.name("windows"), code.name("window")
        code.line(f"{count} = {state}[{position}]")
        code.line(f"{windows} = {state}[{opened}]")
        with code.block(f"if {count} % {stride} == 0:"):
            code.line(f"{windows}.append({layout.write_new(code, state)})")
            code.line(f"journal.append(({windows}.pop,))")
        with code.block(f"for {child} in {windows}:"), code.inside(layout, child):
            layout.write_enter(code, child)
            inner.push(code, item)
        with code.block(f"if {count} >= {window - 1} and ({count} - {window - 1}) % {stride} == 0:"):
            code.remember(state)
            code.line(f"{child} = {windows}.pop(0)")
            code.line(f"journal.append(({windows}.insert, 0, {child}))")
            code.remember(child)
            kept = code.block(f"if not {mark.is_removed(code, state, count)}:") if mark else nullcontext()
            with kept, mark.completing(code, state, count) if mark else nullcontext(), code.inside(layout, child):
                inner.complete(code)
        code.line(f"{state}[{position}] = {count} + 1")

    def complete(code: Code) -> None:
        state, child = code.state(scope), code.name("window")
        windows = code.let("windows", f"{state}[{opened}]")
        if mark:
            with code.block(f"if {mark.is_removed(code, state, f'{state}[{position}]')}:"):
                code.line(f"{windows} = {windows}[1:]")
            code.line(f"{state}[{mark.slot}] = 0")
        code.line(f"{state}[{opened}], {state}[{position}] = [], 0")
        with code.block(f"for {child} in {windows}:"), code.inside(layout, child):
            code.remember(child)
            inner.complete(code)
        then.complete(code)

    return Part(push, complete)
