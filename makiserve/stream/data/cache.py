"""`data.cache`: one object for equal values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.data.fields import replaced
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def cache(field: str | None = None) -> Transform:
    """Replace each item, or one field of it, by the equal value of the same type that came first.

    ```
    --a--b--a--|
      cache()
    --a--b--a--|
    ```

    The items stay equal. If many are buffered, repeated values share memory.

    Args:
        field: the field to replace; by default the item itself. Its values must be hashable.

    *Emits* one item for each item (RxSci fails when the first one is None). *State* every distinct value a key:
    nothing bounds it. *Raises* `TypeError` for a value that is not hashable, `AttributeError` for a missing field.

    >>> import rx, makiserve.stream as rs
    >>> found = []
    >>> rx.from_([(1, 2), tuple([1, 2])]).pipe(rs.data.cache()).subscribe(found.append).dispose()
    >>> found[0] is found[1]
    True
    """
    return operator(Cache(field))


@dataclass(frozen=True, eq=False)
class Cache(Operator):
    """The node of `cache`."""

    name: ClassVar[str] = "cache"
    traits = Traits(one_to_one=True)
    field: str | None

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(dict)

        def push(code: Code, item: str) -> None:
            known = code.let("known", f"{code.state(scope)}[{slot}]")
            value = code.let("value", f"{item}.{self.field}" if self.field else item)
            key = code.let("key", f"(type({value}).__qualname__, {value})")
            with code.block(f"if {key} not in {known}:"):
                code.line(f"{known}[{key}] = {value}")
                code.line(f"journal.append(({known}.pop, {key}))")
            cached = f"{known}[{key}]"
            if self.field:
                cached = f"{code.constant(_with_field, 'with_field')}({item}, {self.field!r}, {cached})"
            then.push(code, code.let("cached", cached))

        return Part(push, then.complete)


def _with_field(item: Any, field: str, value: Any) -> Any:
    return item if getattr(item, field) is value else replaced(item, {field: value})
