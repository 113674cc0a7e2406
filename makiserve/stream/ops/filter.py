"""`ops.filter`: keep the items that a predicate accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def filter(predicate: Callable[[Any], Any]) -> Transform:
    """Keep the items for which `predicate` is true.

    ```
    --1--2--3--4--|
      filter(lambda i: i % 2)
    --1-----3-----|
    ```

    Any true value keeps an item (in RxSci's stores only `True` itself does, so that `i % 2` and numpy booleans drop
    everything).

    *Emits* the item, or nothing. *State* none. *Raises* what `predicate` raises.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3, 4]).pipe(rs.ops.filter(lambda i: i % 2)).subscribe(print).dispose()
    1
    3
    """
    return operator(Filter(predicate))


@dataclass(frozen=True, eq=False)
class Filter(Operator):
    """The node of `filter`."""

    name: ClassVar[str] = "filter"
    traits = Traits(stateless=True)
    predicate: Callable[[Any], Any]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            with code.block(f"if {code.constant(self.predicate)}({item}):"), code.deferring():
                then.push(code, item)

        return Part(push, then.complete)
