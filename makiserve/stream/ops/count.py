"""`ops.count`: the number of items."""

from __future__ import annotations

from dataclasses import dataclass
from operator import add
from typing import ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.plan import Traits
from makiserve.stream.engine.trace import Transform, operator


def count(reduce: bool = False, *, skip_missing: bool = False) -> Transform:
    """Count the items.

    ```
    --a--b--c--|
      count()
    --1--2--3--|
      count(reduce=True)
    -----------3|
    ```

    Args:
        reduce: emit only the final count, when the stream or its window completes.
        skip_missing: do not count None and NaN; the running count is then emitted unchanged.

    *Emits* the running count for each item, or the count once; 0 for an empty stream. *State* one integer a key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_("abc").pipe(rs.ops.count(reduce=True)).run()
    3
    """
    return operator(Count(None, reduce, skip_missing=skip_missing))


@dataclass(frozen=True, eq=False)
class Count(Fold):
    """The node of `count`."""

    name: ClassVar[str] = "count"

    @property
    def traits(self) -> Traits:
        return super().traits._replace(raises=self.skip_missing)

    def reduction(self) -> Reduction:
        return Reduction(0, lambda partial, _: partial + 1, add, inline=lambda partial, _: f"{partial} + 1")
