"""`ops.from_iterable`, `ops.from_pandas`, `ops.to_pandas`: observables from data and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import Console
from rich.progress import track

from makiserve.stream.arguments import elements
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.reactive import Scheduler, rx

if TYPE_CHECKING:
    import pandas as pd


def from_iterable(
    iterable: Iterable[Any], scheduler: Scheduler | None = None, progress: bool | dict[str, Any] = False
) -> rx.Observable:
    """Return an Observable of the elements of `iterable`; each subscription iterates again.

    ```
      from_iterable([1, 2, 3])
    --1--2--3--|
    ```

    Args:
        iterable: an iterator can be subscribed to once, a list any number of times.
        scheduler: the scheduler that emits the elements; by default the thread that subscribes.
        progress: True shows a progress bar on stderr. So does a dict, with `prefix`, the text in front of the bar, and
            `interval`, the seconds between updates. (RxSci's `eol` is accepted and ignored.)

    *Emits* each element. *State* none: it is the source of a stream, not a step of a pipeline. *Raises* what the
    iteration raises, as the stream's error.

    Raises:
        PipelineError: it is an Observable, or cannot be iterated over.

    >>> import makiserve.stream as rs
    >>> rs.ops.from_iterable(range(4)).pipe(rs.math.sum(reduce=True)).run()
    6
    """
    elements(iterable, "from_iterable: iterable")
    if not progress:
        return rx.from_iterable(iterable, scheduler)
    options = progress if isinstance(progress, dict) else {}
    return rx.defer(lambda _: rx.from_iterable(_tracked(iterable, **options), scheduler))


def _tracked(iterable: Iterable[Any], prefix: str = "", interval: float = 0.1, eol: str = "") -> Iterable[Any]:
    total = len(iterable) if isinstance(iterable, Sized) else None
    return track(iterable, prefix, total, console=Console(stderr=True), update_period=interval)


def from_pandas(
    dataframe: pd.DataFrame,
    scheduler: Scheduler | None = None,
    progress: bool | dict[str, Any] = False,
    index: bool = False,
) -> rx.Observable:
    """Return an Observable of a DataFrame's rows; each subscription gets all of them (in RxSci only the first does).

    ```
      from_pandas(DataFrame(x=[1, 2]))
    --(x=1)--(x=2)--|
    ```

    Args:
        dataframe: a DataFrame; its column names become field names if they are identifiers.
        scheduler: the scheduler that emits the rows; by default the thread that subscribes.
        progress: shows a progress bar, as for `from_iterable`.
        index: put the index in front, as the field `Index`.

    *Emits* one named tuple for each row. *State* none: it is the source of a stream, not a step of a pipeline.

    >>> import pandas as pd, makiserve.stream as rs
    >>> rs.ops.from_pandas(pd.DataFrame({"x": [1, 2]})).subscribe(print).dispose()
    Pandas(x=1)
    Pandas(x=2)
    """
    return from_iterable(_Rows(dataframe, index), scheduler, progress)


class _Rows:
    def __init__(self, dataframe: pd.DataFrame, index: bool) -> None:
        self._dataframe = dataframe
        self._index = index

    def __len__(self) -> int:
        return len(self._dataframe)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._dataframe.itertuples(index=self._index))


def to_pandas(columns: Sequence[str] | None = None) -> Transform:
    """Collect the items in a DataFrame.

    ```
    --(x=1)--(x=2)--|
      to_pandas()
    ----------------DataFrame(x=[1, 2])|
    ```

    Args:
        columns: the names of the columns; by default those of the items' fields, which are then named tuples.

    *Emits* one DataFrame when the stream, the group or the window completes; nothing for an empty stream. *State* every
    item until then. *Raises* `TypeError` if neither the items nor `columns` give the names.

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
            raise TypeError("items that are not named tuples have no column names: give to_pandas(columns=…)")
        import pandas as pd  # it takes longer to import than all of makiserve.stream

        return pd.DataFrame(items, columns=list(columns))
