"""Compiling: a plan becomes a chain of push functions over state."""

from __future__ import annotations

from typing import Any

from makiserve.errors import OperatorError
from makiserve.stream.engine.operator import Operator, Stage, State
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope


def build(plan: Plan, last: Stage, scope: Scope) -> Stage:
    """Compile `plan` in front of the stage `last`, its state in `scope`."""
    outer, then = scope.path, last
    operators = plan.operators
    for index in reversed(range(len(operators))):
        operator = operators[index]
        scope.path = (*outer, str(operator))
        repeats = last.repeats or any(before.fans_out for before in operators[:index])
        stage = operator.build(then._replace(repeats=repeats), scope)
        then = stage._replace(raises=operator.raises or then.raises)
        if scope.locating:
            then = _located(then, operator, " > ".join(scope.path))
    scope.path = outer
    return then


def build_inner(plan: Plan, then: Stage, scope: Scope, place: str = "") -> tuple[Stage, Scope]:
    """Compile a pipeline that runs in scopes of its own; what it emits goes on to `then` in the enclosing scope."""
    inner = scope.child()
    if place:
        inner.path = (*inner.path, place)
    emit = then.push

    def leave(item: Any, state: State) -> None:
        emit(item, state[0])

    return build(plan, then._replace(push=leave, complete=ignore), inner), inner


def ignore(state: State) -> None:
    """The end of a chain has nothing to complete."""


def _located(stage: Stage, operator: Operator, path: str) -> Stage:
    """Name the operator in the errors of a stage; only the program that looks for a failure's place pays for it."""

    def push(item: Any, state: State) -> None:
        try:
            stage.push(item, state)
        except OperatorError:
            raise
        except Exception as error:
            message = f"{path}: {type(error).__name__}: {error}"
            raise OperatorError(message, operator=path, item=item) from error

    return stage._replace(push=push)
