"""Count windows, general implementation: every open window is a scope, and each item is pushed into all of them."""

from __future__ import annotations

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage


def build_windows(plan: Plan, window: int, stride: int, then: Stage, scope: Scope) -> Part:
    """Compile `plan` to run in windows of `window` items that open every `stride` items."""
    # an item goes to all open windows, and may complete one: that can fail after it has been written
    inner, layout = build_inner(plan, then._replace(repeats=True), scope)
    position, opened = scope.value(0), scope.container(list, layout)
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
        code.line(f"{count} += 1")
        with code.block(f"if {count} >= {window} and ({count} - {window}) % {stride} == 0:"):
            code.remember(state)
            code.line(f"{child} = {windows}.pop(0)")
            code.line(f"journal.append(({windows}.insert, 0, {child}))")
            code.remember(child)
            with code.inside(layout, child):
                inner.complete(code)
        code.line(f"{state}[{position}] = {count}")

    def complete(code: Code) -> None:
        state, child = code.state(scope), code.name("window")
        windows = code.let("windows", f"{state}[{opened}]")
        code.line(f"{state}[{opened}], {state}[{position}] = [], 0")
        with code.block(f"for {child} in {windows}:"), code.inside(layout, child):
            code.remember(child)
            inner.complete(code)
        then.complete(code)

    return Part(push, complete)
