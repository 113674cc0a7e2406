"""`data.clip`: values kept between two bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def clip(lower_bound: Any = None, higher_bound: Any = None) -> Transform:
    """Replace values below `lower_bound`, or above `higher_bound`, by that bound.

    ```
    --1--2--3--6--|
      clip(2, 4)
    --2--2--3--4--|
    ```

    Args:
        lower_bound: the minimum to emit; None for no bound.
        higher_bound: the maximum to emit; None for no bound.

    *Emits* one value for each item. *State* none. *Raises* `TypeError` for what cannot be compared with the bounds.

    Raises:
        PipelineError: lower_bound is greater than higher_bound.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 3, 6]).pipe(rs.data.clip(2, 4)).subscribe(print).dispose()
    2
    3
    4
    """
    if lower_bound is not None and higher_bound is not None and lower_bound > higher_bound:
        raise PipelineError(f"clip: lower_bound, {lower_bound!r}, is greater than higher_bound, {higher_bound!r}")
    return operator(Clip(lower_bound, higher_bound))


@dataclass(frozen=True, eq=False)
class Clip(Operator):
    """The node of `clip`."""

    name: ClassVar[str] = "clip"
    traits = Traits(stateless=True, one_to_one=True)
    lower_bound: Any
    higher_bound: Any

    def clip(self, item: Any) -> Any:
        """Return the item within the bounds."""
        lower, higher = self.lower_bound, self.higher_bound
        if higher is not None and item > higher:
            return higher
        return lower if lower is not None and item < lower else item

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            clipped = item
            for bound, sign in ((self.lower_bound, "<"), (self.higher_bound, ">")):
                if bound is not None:
                    name = code.constant(bound, "bound")
                    clipped = f"{name} if {item} {sign} {name} else {clipped}"
            then.push(code, item if clipped == item else code.let("clipped", clipped))

        return Part(push, then.complete)
