"""`ops.from_pandas`: the rows of a DataFrame as an Observable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import rx
from rx.core.typing import Scheduler

from makiserve.stream.ops.from_iterable import from_iterable


def from_pandas(
    dataframe: pd.DataFrame,
    scheduler: Scheduler | None = None,
    progress: bool | dict[str, Any] = False,
    index: bool = False,
) -> rx.Observable:
    """An Observable of the rows of a DataFrame; each subscription has all of them (in RxSci only the first has).

    ```
      from_pandas(DataFrame(x=[1, 2]))
    --(x=1)--(x=2)--|
    ```

    Args:
        dataframe: its column names become the names of the fields, where they are identifiers.
        scheduler: where the rows are emitted; by default in the thread that subscribes.
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
