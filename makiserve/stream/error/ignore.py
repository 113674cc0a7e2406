"""`error.ignore`: drop the items on which an operator raised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.trace import Transform, operator


def ignore() -> Transform:
    """Drop the items on which an operator before this one raised.

    ```
    --1-----0--2----|
      map(lambda i: 1 / i), error.ignore()
    --1.0------0.5--|
    ```

    The state of the operators before it is as before the item (in RxSci it is reset).

    *Emits* what the operators before it emit. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> inverse = rx.pipe(rs.ops.map(lambda i: 1 / i), rs.error.ignore(), rs.math.sum(reduce=True))
    >>> rx.from_([1, 0, 2, 4]).pipe(inverse).run()
    1.75
    """
    return operator(Ignore())


@dataclass(frozen=True, eq=False)
class Ignore(Catch):
    """The node of `error.ignore`."""

    name: ClassVar[str] = "error.ignore"

    def write_caught(self, code: Code, error: str, keep: Callable[[Code, str], None]) -> None:
        """Write nothing: the item is dropped."""
