"""`ops.scan`: accumulate items with a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import LAST, Operator, Rhythm, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.immutable import is_immutable


def scan(
    accumulator: Callable[[Any, Any], Any],
    seed: Any,
    reduce: bool = False,
    terminator: Callable[[Any], Any] | None = None,
) -> Transform:
    """Accumulate items: `accumulated = accumulator(accumulated, item)`.

    ```
    --1--2--3--|
      scan(lambda total, i: total + i, 0)
    --1--3--6--|
    ```

    Args:
        accumulator: a function of the accumulated value and the item. It should return a new value: if the accumulated
            value is or contains a list, a dict or another value that can change in place, it is copied for each item,
            so that a failing item can be rolled back. Numbers, text, tuples and frozen records of these are not copied;
            a frozen record is taken to hold what its fields declare.
        seed: the accumulated value before the first item, or a function that creates it; it is copied for each key.
        reduce: emit only the final value, when the stream or its window completes; the seed for an empty stream.
        terminator: applied to the final value at completion. Its result replaces the reduced value; without `reduce`
            it is emitted after the running ones.

    *Emits* the accumulated value for each item, or once. *State* the accumulated value a key, of any type (RxSci fixes
    the type by the seed's, so that a float cannot follow the seed 0). *Raises* what the functions raise.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.scan(lambda total, i: total + i / 2, 0)).subscribe(print).dispose()
    0.5
    1.5
    3.0
    """
    return operator(Scan(accumulator, seed, reduce, terminator))


@dataclass(frozen=True, eq=False)
class Scan(Operator):
    """The node of `scan`."""

    name: ClassVar[str] = "scan"
    accumulator: Callable[[Any, Any], Any]
    seed: Any
    reduce: bool
    terminator: Callable[[Any], Any] | None

    @property
    def traits(self) -> Traits:
        return Traits(one_to_one=not (self.reduce or self.terminator), writes_late=True)

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return LAST if self.reduce else super().rhythm(before)

    @property
    def fans_out(self) -> bool:
        return self.terminator is not None and not self.reduce

    def build(self, then: Stage, scope: Scope) -> Part:
        slot, accumulate = self._slot(scope)
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{slot}]"
            accumulated = code.let("accumulated", f"{code.constant(accumulate)}({place}, {item})")
            code.later(f"{place} = {accumulated}")
            if not self.reduce:
                then.push(code, accumulated)

        def complete(code: Code) -> None:
            if self.reduce or self.terminator:
                value = f"{code.state(scope)}[{slot}]"
                then.call(code, f"{code.constant(self.terminator)}({value})" if self.terminator else value)
            then.complete(code)

        return Part(push, complete)

    def _slot(self, scope: Scope) -> tuple[int, Callable[[Any, Any], Any]]:
        make, accumulate = self.safely()
        first = make()
        return scope.value(first) if is_immutable(first) else scope.container(make), accumulate

    def safely(self) -> tuple[Callable[[], Any], Callable[[Any, Any], Any]]:
        """Return a function that makes the first value, and an accumulator that never changes a value in place."""
        first, accumulator = self.seed() if callable(self.seed) else deepcopy(self.seed), self.accumulator
        if is_immutable(first):
            make: Callable[[], Any] = lambda: first  # noqa: E731  as the others
        else:
            make = self.seed if callable(self.seed) else lambda: deepcopy(first)

        def accumulate(accumulated: Any, item: Any) -> Any:
            return accumulator(accumulated if is_immutable(accumulated) else deepcopy(accumulated), item)

        return make, accumulate
