"""`data.forward_fill`: the last known value in place of a missing one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.data.fields import field_names, replaced
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.scalars import is_missing


def forward_fill() -> Transform:
    """Replace None and NaN, as an item or as a field of an item, by the last known value.

    ```
    --1--None--(None,2)--(3,None)--|
      forward_fill()
    --1--1-----(None,2)--(3,2)-----|
    ```

    It is pandas' `ffill`: what is missing before the first known value stays as it is. Fields are those of named
    tuples, Records and dataclasses, and the elements of plain tuples; each is filled separately. Inside `group_by`
    each group is filled from its own items. A known value is used regardless of its age.

    *Emits* one item for each item. *State* one item a key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([(1, None), (None, 2), (3, float("nan"))]).pipe(rs.data.forward_fill()).subscribe(print).dispose()
    (1, None)
    (1, 2)
    (3, 2)
    """
    return operator(ForwardFill())


@dataclass(frozen=True, eq=False)
class ForwardFill(Operator):
    """The node of `forward_fill`. It keeps the item that it emitted last, which contains the known values."""

    name: ClassVar[str] = "forward_fill"
    traits = Traits(one_to_one=True, writes_late=True)

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.value(None)
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{slot}]"
            value = code.let("filled", f"{code.constant(filled, 'fill')}({place}, {item})")
            code.later(f"{place} = {value}")
            then.push(code, value)

        return Part(push, then.complete)


def filled(known: Any, item: Any) -> Any:
    """Return an item with the known values in place of what is missing."""
    if type(item) is tuple:
        if type(known) is not tuple or len(known) != len(item):
            return item
        return tuple(before if is_missing(element) else element for before, element in zip(known, item, strict=True))
    names = field_names(item)
    if not names:
        return known if known is not None and is_missing(item) else item
    if type(known) is not type(item):
        return item
    missing = {name: getattr(known, name) for name in names if is_missing(getattr(item, name))}
    return replaced(item, missing) if missing else item
