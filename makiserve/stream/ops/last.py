"""`ops.last`: the last item of a stream or window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.scope import MISSING
from makiserve.stream.engine.trace import Transform, operator


def last() -> Transform:
    """Emit the last item, when the stream or its window completes.

    ```
    --1--2--3--|
      last()
    -----------3|
    ```

    *Emits* one item, or nothing for an empty stream. *State* one item a key.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.last()).run()
    3
    """
    return operator(Last(None, reduce=True))


@dataclass(frozen=True, eq=False)
class Last(Fold):
    """The node of `last`."""

    name: ClassVar[str] = "last"
    raises: ClassVar[bool] = False

    def reduction(self) -> Reduction:
        return Reduction(MISSING, lambda _, item: item, _later_present, inline=lambda _, item: item)

    def __str__(self) -> str:
        return self.name


def _later_present(earlier: Any, later: Any) -> Any:
    return earlier if later is MISSING else later
