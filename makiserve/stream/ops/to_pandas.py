"""`ops.to_pandas`: a stream, a group or a window as a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def to_pandas(columns: Sequence[str] | None = None) -> Transform:
    """Collects the items in a DataFrame.

    ```
    --(x=1)--(x=2)--|
      to_pandas()
    ----------------DataFrame(x=[1, 2])|
    ```

    Args:
        columns: the names of the columns; by default those of the items' fields, which are then named tuples.

    *Emits* one DataFrame when the stream, the group or the window completes; nothing for an empty stream. *State* every
    item until then. *Raises* `TypeError` where neither the items nor `columns` give the names.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([(1, 2.5), (3, 4.5)]).pipe(rs.ops.to_pandas(columns=["a", "b"])).run()
       a    b
    0  1  2.5
    1  3  4.5
    """
    return operator(ToPandas(None if columns is None else tuple(columns)))


@dataclass(frozen=True, eq=False)
class ToPandas(Operator):
    """The node of `to_pandas`."""

    name: ClassVar[str] = "to_pandas"
    columns: tuple[str, ...] | None

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(list)

        def push(code: Code, item: str) -> None:
            items = code.let("items", f"{code.state(scope)}[{slot}]")
            code.line(f"{items}.append({item})")
            code.line(f"journal.append(({items}.pop,))")

        def complete(code: Code) -> None:
            items = code.let("items", f"{code.state(scope)}[{slot}]")
            with code.block(f"if {items}:"):
                then.call(code, f"{code.constant(self._frame, 'frame')}({items})")
            then.complete(code)

        return Part(push, complete)

    def _frame(self, items: list[Any]) -> pd.DataFrame:
        columns = self.columns or getattr(items[0], "_fields", None)
        if columns is None:
            raise TypeError("items that are not named tuples need their columns named: to_pandas(columns=…)")
        return pd.DataFrame(items, columns=list(columns))
