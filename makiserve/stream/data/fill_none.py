"""`data.fill_none`: a value in place of None."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from makiserve.stream.data.fields import field_names, replaced
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def fill_none(value: Any) -> Transform:
    """Replace None, as an item or as a field of an item, by `value`.

    ```
    --1--None--(None,2)--|
      fill_none(0)
    --1--0-----(0,2)-----|
    ```

    Fields are those of named tuples, Records and dataclasses, and the elements of plain tuples (on which RxSci fails).

    Args:
        value: the value to use in place of None.

    *Emits* one item for each item. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, None, (None, 2)]).pipe(rs.data.fill_none(0)).subscribe(print).dispose()
    1
    0
    (0, 2)
    """
    return operator(FillNone(value))


@dataclass(frozen=True, eq=False)
class FillNone(Operator):
    """The node of `fill_none`."""

    name: ClassVar[str] = "fill_none"
    traits = Traits(stateless=True, one_to_one=True)
    value: Any

    def fill(self, item: Any) -> Any:
        """Return the item with the value in place of None."""
        return _filled(self.value, item)

    def build(self, then: Stage, scope: Scope) -> Part:
        fill = partial(_filled, self.value)

        def push(code: Code, item: str) -> None:
            then.push(code, code.let("filled", f"{code.constant(fill, 'fill')}({item})"))

        return Part(push, then.complete)


def _filled(value: Any, item: Any) -> Any:
    if item is None:
        return value
    if type(item) is tuple:
        return tuple(value if element is None else element for element in item)
    missing = {name: value for name in field_names(item) if getattr(item, name) is None}
    return replaced(item, missing) if missing else item
