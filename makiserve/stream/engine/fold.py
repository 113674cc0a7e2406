"""Folds: the operators that reduce a stream to one value, running or at completion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from makiserve.stream.engine.operator import Operator, Stage, State
from makiserve.stream.engine.scope import MISSING, Scope


class Reduction(NamedTuple):
    """A reduction over immutable partial results.

    Attributes:
        zero: the partial result of no value.
        add: the partial result with one value more; it computes before anything is written, so it may raise.
        merge: the partial result of two consecutive parts of a stream.
        result: what is emitted for a partial result; MISSING emits nothing.
    """

    zero: Any
    add: Callable[[Any, Any], Any]
    merge: Callable[[Any, Any], Any]
    result: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Fold(Operator):
    """Keeps one partial result a scope; emits its result for each item or, with `reduce`, once at completion."""

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

    def build(self, then: Stage, scope: Scope) -> Stage:
        return self._reduced(then, scope) if self.reduce else self._running(then, scope)

    def _running(self, then: Stage, scope: Scope) -> Stage:
        zero, add, _, result = self.reduction()
        slot, key, emit = scope.value(zero), self.key_mapper, then.push
        scope.writes(then)

        def push(item: Any, state: State) -> None:
            partial = add(state[slot], item if key is None else key(item))
            value = result(partial)
            state[slot] = partial
            emit(value, state)

        return Stage(push, then.complete)

    def _reduced(self, then: Stage, scope: Scope) -> Stage:
        zero, add, merge, result = self.reduction()
        slot, key, emit, end = scope.value(zero, merge), self.key_mapper, then.push, then.complete
        scope.writes_last(then)

        def push(item: Any, state: State) -> None:
            state[slot] = add(state[slot], item if key is None else key(item))

        def complete(state: State) -> None:
            value = result(state[slot])
            if value is not MISSING:
                emit(value, state)
            end(state)

        return Stage(push, complete)
