"""`data.head`, `data.tail`: the first and the last items as one tuple."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator

if TYPE_CHECKING:
    from typing_extensions import Unpack

Items = tuple[Any, ...]


def head(
    count: int, key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Collect the first `count` items into a tuple.

    ```
    --1-----2-------3-------|
      head(2)
    --(1,)--(1, 2)--(1, 2)--|
    ```

    `ops.take` emits the items themselves, one at a time.

    Args:
        count: how many items to keep, at least 1.
        key_mapper: the value to keep; by default the item itself.
        reduce: emit only the final tuple, when the stream or its window completes; `()` for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* a tuple of at most `count` values for each item, or once, in the order in which they came. *NaN* is a value
    like any other. *State* at most `count` values a key. *Raises* what `key_mapper` raises.

    Raises:
        PipelineError: the count is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.data.head(2, reduce=True)).run()
    (1, 2)
    """
    return operator(Head(key_mapper, reduce, whole_number(count, "head: count"), **missing))


@dataclass(frozen=True, eq=False)
class Head(Fold):
    """The node of `head`."""

    name: ClassVar[str] = "head"
    count: int = 1

    def reduction(self) -> Reduction:
        return Reduction((), self._add, self._merge)

    def _add(self, kept: Items, value: Any) -> Items:
        return kept if len(kept) == self.count else (*kept, value)

    def _merge(self, earlier: Items, later: Items) -> Items:
        return (earlier + later)[: self.count]


def tail(
    count: int, key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Collect the last `count` items into a tuple.

    ```
    --1-----2-------3-------|
      tail(2)
    --(1,)--(1, 2)--(2, 3)--|
    ```

    Without `reduce` it gives each item together with the ones before it: the input of a model of sequences.

    Args:
        count: how many items to keep, at least 1.
        key_mapper: the value to keep; by default the item itself.
        reduce: emit only the final tuple, when the stream or its window completes; `()` for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* a tuple of at most `count` values for each item, or once, in the order in which they came. *NaN* is a value
    like any other. *State* at most `count` values a key. *Raises* what `key_mapper` raises.

    Raises:
        PipelineError: the count is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.data.tail(2)).subscribe(print).dispose()
    (1,)
    (1, 2)
    (2, 3)
    """
    return operator(Tail(key_mapper, reduce, whole_number(count, "tail: count"), **missing))


@dataclass(frozen=True, eq=False)
class Tail(Fold):
    """The node of `tail`."""

    name: ClassVar[str] = "tail"
    count: int = 1

    def reduction(self) -> Reduction:
        return Reduction((), self._add, self._merge)

    def _add(self, kept: Items, value: Any) -> Items:
        return (*kept, value)[-self.count :]

    def _merge(self, earlier: Items, later: Items) -> Items:
        return (earlier + later)[-self.count :]
