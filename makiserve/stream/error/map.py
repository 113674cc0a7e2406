"""`error.map`: emit an item in place of an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import EACH, Rhythm, Traits
from makiserve.stream.engine.trace import Transform, operator


def map(mapper: Callable[[Exception], Any]) -> Transform:
    """Emit `mapper(error)` in place of each item on which an operator before this one raised.

    ```
    --1----0---2----|
      map(lambda i: 1 / i), error.map(lambda error: -1)
    --1.0--(-1)-0.5-|
    ```

    *Emits* what the operators before it emit, and one item for each error. *State* none. *Raises* what `mapper` raises.

    >>> import rx, makiserve.stream as rs
    >>> inverse = rx.pipe(rs.ops.map(lambda i: 1 / i), rs.error.map(lambda error: type(error).__name__))
    >>> rx.from_([1, 0]).pipe(inverse).subscribe(print).dispose()
    1.0
    ZeroDivisionError
    """
    return operator(MapError(mapper))


@dataclass(frozen=True, eq=False)
class MapError(Catch):
    """The node of `error.map`."""

    name: ClassVar[str] = "error.map"
    traits = Traits(stateless=True)
    mapper: Callable[[Exception], Any]

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return EACH if before == EACH else None

    def write_caught(self, code: Code, error: str, keep: Callable[[Code, str], None]) -> None:
        keep(code, f"{code.constant(self.mapper)}({error})")
