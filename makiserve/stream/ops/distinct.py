"""`ops.distinct`: each item only the first time it comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def distinct(key_mapper: Callable[[Any], Any] | None = None) -> Transform:
    """Emits an item unless an equal one has come before.

    ```
    --0--1--2--1--3--0--|
      distinct()
    --0--1--2-----3-----|
    ```

    Args:
        key_mapper: what is compared; by default the item itself. It must be hashable.

    *Emits* the first item of each key. *State* every key that has come: nothing bounds it but the window or group that
    the operator stands in. *Raises* what `key_mapper` raises, and `TypeError` for a key that cannot be hashed.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([0, 1, 2, 1, 3, 0]).pipe(rs.ops.distinct(lambda i: i % 3)).subscribe(print).dispose()
    0
    1
    2
    """
    return operator(Distinct(key_mapper))


@dataclass(frozen=True, eq=False)
class Distinct(Operator):
    """The node of `distinct`."""

    name: ClassVar[str] = "distinct"
    key_mapper: Callable[[Any], Any] | None

    def build(self, then: Stage, scope: Scope) -> Part:
        keys = scope.container(dict)  # a set has an order that depends on its past: a checkpoint would, too

        def push(code: Code, item: str) -> None:
            key = code.let("key", f"{code.constant(self.key_mapper)}({item})" if self.key_mapper else item)
            seen = code.let("seen", f"{code.state(scope)}[{keys}]")
            with code.block(f"if {key} not in {seen}:"):
                code.line(f"{seen}[{key}] = None")
                code.line(f"journal.append(({seen}.pop, {key}))")
                then.push(code, item)

        return Part(push, then.complete)
