"""Folds: the operators that reduce a stream to one value, running or at completion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage


class Reduction(NamedTuple):
    """A reduction over immutable partial results.

    Attributes:
        zero: the partial result of no value.
        add: the partial result with one value more; it computes before anything is written, so it may raise.
        merge: the partial result of two consecutive parts of a stream.
        result: what is emitted for a partial result; MISSING emits nothing. None emits the partial result itself.
    """

    zero: Any
    add: Callable[[Any, Any], Any]
    merge: Callable[[Any, Any], Any]
    result: Callable[[Any], Any] | None = None


@dataclass(frozen=True, eq=False)
class Fold(Operator):
    """Keeps one partial result a scope; emits its result for each item or, with `reduce`, once at completion."""

    writes_late: ClassVar[bool] = True
    key_mapper: Callable[[Any], Any] | None = None
    reduce: bool = False

    @abstractmethod
    def reduction(self) -> Reduction:
        """The reduction that is kept."""

    @property
    def one_to_one(self) -> bool:  # type: ignore[override]  # known only with the parameter
        return not self.reduce

    @property
    def mergeable(self) -> bool:
        return self.reduce

    def write_add(self, code: Code, partial: str, value: str) -> str:
        """The expression for a partial result with one value more."""
        return f"{code.constant(self.reduction().add, 'add')}({partial}, {value})"

    def build(self, then: Stage, scope: Scope) -> Part:
        zero, _, merge, result = self.reduction()
        slot = scope.value(zero, merge)
        scope.writes_late(then)

        def added(code: Code, item: str) -> str:
            value = f"{code.constant(self.key_mapper)}({item})" if self.key_mapper else item
            return self.write_add(code, f"{code.state(scope)}[{slot}]", value)

        def write_result(code: Code, partial: str) -> str:
            return f"{code.constant(result, 'result')}({partial})" if result else partial

        def push(code: Code, item: str) -> None:
            partial = code.let(self.name, added(code, item))
            value = code.let("value", write_result(code, partial)) if result else partial
            code.later(f"{code.state(scope)}[{slot}] = {partial}")
            then.push(code, value)

        def push_reduced(code: Code, item: str) -> None:
            code.later(f"{code.state(scope)}[{slot}] = {code.let(self.name, added(code, item))}")

        def complete_reduced(code: Code) -> None:
            value = code.let("value", write_result(code, f"{code.state(scope)}[{slot}]"))
            with code.block(f"if {value} is not {code.constant(MISSING, 'MISSING')}:"):
                then.call(code, value)
            then.complete(code)

        return Part(push_reduced, complete_reduced) if self.reduce else Part(push, then.complete)
