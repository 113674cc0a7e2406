"""Compile a plan: its operators write a program, each in front of those that follow it."""

from __future__ import annotations

from functools import partial

from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.compiled_functions import Place
from makiserve.stream.engine.completing import calling
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage

DEEPEST_BLOCK = 12  # Python takes 20 nested loops and 100 indents


def build(plan: Plan, last: Stage, scope: Scope) -> Stage:
    """Compile `plan` in front of the stage `last`, its state in `scope`."""
    outer, then = scope.path, last
    operators = plan.operators
    for index in reversed(range(len(operators))):
        operator = operators[index]
        scope.path = (*outer, str(operator))
        repeats = last.repeats or any(before.fans_out for before in operators[:index])
        follow = then._replace(repeats=repeats)
        if isinstance(operator, Catch):
            before = partial(_build_before, Plan(operators[:index]), scope, outer)
            part = operator.build_around(before, follow, scope)
            scope.path = (*outer, str(operator))
            stage = _stage(part, operator, then, scope)
            scope.path = outer
            return stage
        then = _stage(operator.build(follow, scope), operator, then, scope)
    scope.path = outer
    return then


def _build_before(plan: Plan, scope: Scope, path: tuple[str, ...], last: Stage) -> Stage:
    scope.path = path
    return build(plan, last, scope)


def build_inner(
    plan: Plan, then: Stage, scope: Scope, *, is_window: bool = False, may_be_empty: bool = False
) -> tuple[Stage, Scope]:
    """Compile a pipeline that runs in separate scopes; its output is pushed to `then` in the enclosing scope.

    Args:
        plan: the pipeline.
        then: the stage after it.
        scope: the enclosing scope.
        is_window: whether the separate scopes are windows of time.
        may_be_empty: whether they may complete without items, so that `first` and `last` have to emit None.
    """
    inner = Scope(scope.journal, scope, is_window=is_window, may_be_empty=may_be_empty)
    return build(plan, then._replace(complete=write_nothing), inner), inner


def write_emit(code: Code, item: str) -> None:
    """Write that an item at the end of a pipeline is emitted."""
    code.line(f"emit({item})")


def write_nothing(code: Code) -> None:
    """Write nothing: the end of a chain has nothing to complete."""


def _stage(part: Part, operator: Operator, then: Stage, scope: Scope) -> Stage:
    path, functions = " > ".join(scope.path), {}

    def inline(code: Code, item: str) -> None:
        with code.at(Place(path, item)), code.deferring():  # in a block, too: until this push can fail no more
            part.push(code, item)

    def push(code: Code, item: str) -> None:
        (inline if code.depth < DEEPEST_BLOCK else call)(code, item)

    def call(code: Code, item: str) -> None:
        if code not in functions:
            functions[code] = code.name(operator.name)  # before it is written: a function may be on its own way
            code.function(functions[code], scope, lambda item: inline(code, item))
        with calling(code):
            code.line(f"{functions[code]}({item}, {code.state(scope)})")

    def complete(code: Code) -> None:
        with code.at(Place(path, None)):
            part.complete(code)

    return Stage(push, call, complete, raises=operator.traits.raises or then.raises)
