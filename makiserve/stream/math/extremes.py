"""`math.min`, `math.max`: the smallest and the largest item."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from operator import gt, lt
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.scalars import plain


class Comparing(Fold):
    """A reduction that compares values. With `reduce`, values that cannot be compared fail at completion."""

    def reduction(self) -> Reduction:
        return self.comparison().deferring() if self.reduce else self.comparison()

    @abstractmethod
    def comparison(self) -> Reduction:
        """Return the reduction that raises `TypeError` for values that cannot be compared."""


def extreme(is_further: Callable[[Any, Any], bool]) -> Reduction:
    """Return the reduction to the first value that no other exceeds in the given direction; NaN exceeds any value."""

    def further(kept: Any, value: Any) -> Any:
        try:
            return value if kept is None or is_further(value, kept) or value != value else kept
        except TypeError as error:
            raise incomparable(error, kept) from error

    return Reduction(
        None, further, lambda earlier, later: earlier if later is None else further(earlier, later), read=comparable
    )


def incomparable(error: TypeError, kept: Any) -> TypeError:
    """Return the error for a value that cannot be compared with the one that is kept, of which it names the type."""
    kind = type(kept).__name__
    return TypeError(
        f"{error}: the result so far is of type {kind} and is kept. Convert or filter values of other types before the "
        "reduction"
    )


def comparable(value: Any) -> Any:
    """Return a value that can be compared; a numeric scalar of numpy becomes a Python number.

    Raises:
        TypeError: it is None.
    """
    if value is None:
        raise TypeError("None cannot be compared: fill it, filter it, or reduce with skip_missing=True")
    return plain(value)


if TYPE_CHECKING:
    from typing_extensions import Unpack


def min(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Find the smallest item.

    ```
    --3--5--2--|
      min()
    --3--3--2--|
    ```

    Args:
        key_mapper: the value to compare; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes; None for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the smallest value so far for each item, or the smallest once; of equal ones the first. *NaN* makes the
    result NaN, whatever its place. *State* one value a key. *Raises* `TypeError` for what cannot be compared, None
    included (RxSci keeps a None that comes first); with `reduce`, for values of different types when it completes.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 5, 2]).pipe(rs.math.min(reduce=True)).run()
    2
    """
    return operator(Min(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Min(Comparing):
    """The node of `min`."""

    name: ClassVar[str] = "min"

    def comparison(self) -> Reduction:
        return extreme(lt)


def max(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Find the largest item.

    ```
    --3--5--2--|
      max()
    --3--5--5--|
    ```

    Args:
        key_mapper: the value to compare; by default the item itself.
        reduce: emit only the final value, when the stream or its window completes; None for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the largest value so far for each item, or the largest once; of equal ones the first. *NaN* makes the result
    NaN, whatever its place. *State* one value a key. *Raises* `TypeError` for what cannot be compared, None included
    (RxSci keeps a None that comes first); with `reduce`, for values of different types when it completes.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 5, 2]).pipe(rs.math.max(reduce=True)).run()
    5
    """
    return operator(Max(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class Max(Comparing):
    """The node of `max`."""

    name: ClassVar[str] = "max"

    def comparison(self) -> Reduction:
        return extreme(gt)
