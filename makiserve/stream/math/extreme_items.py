"""`math.argmin`, `math.argmax`, `math.top_k`: the items with the smallest or the largest key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import gt, itemgetter, lt
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.fold import MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.math.extremes import Comparing, comparable, incomparable
from makiserve.stream.scalars import is_missing

if TYPE_CHECKING:
    from typing_extensions import Unpack

Keyed = tuple[Any, Any]
"""A key, and the item that has it."""


def argmin(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Find the item with the smallest key.

    ```
    --b3--c5--a2--|
      argmin(number)
    --b3--b3--a2--|
    ```

    Args:
        key_mapper: the key to compare; by default the item itself.
        reduce: emit only the final item, when the stream or its window completes; None for an empty stream.
        skip_missing: leave out items whose key is None or NaN.
        min_periods: how many keys the result needs; it is None for fewer.

    *Emits* the item with the smallest key so far for each item, or that item once; of equal keys the first. *NaN* wins,
    as in numpy: the first item with a NaN key is the result, whatever its place. *State* one item and its key, for each
    group. *Raises* `TypeError` for a key that cannot be compared, None included;
    with `reduce`, for keys of different types when it completes.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([("b", 3), ("c", 5), ("a", 2)]).pipe(rs.math.argmin(lambda i: i[1], reduce=True)).run()
    ('a', 2)
    """
    return operator(ArgMin(key_mapper, reduce, **missing))


class KeyedFold(Comparing):
    """A reduction that reads the key of an item together with the item."""

    @property
    def mappers(self) -> tuple[Callable[[Any], Any] | None, ...]:
        return self.key_mapper, None


@dataclass(frozen=True, eq=False)
class ArgMin(KeyedFold):
    """The node of `argmin`."""

    name: ClassVar[str] = "argmin"

    def comparison(self) -> Reduction:
        return _extreme(lt)


def argmax(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Find the item with the largest key.

    ```
    --b3--c5--a2--|
      argmax(number)
    --b3--c5--c5--|
    ```

    Args:
        key_mapper: the key to compare; by default the item itself.
        reduce: emit only the final item, when the stream or its window completes; None for an empty stream.
        skip_missing: leave out items whose key is None or NaN.
        min_periods: how many keys the result needs; it is None for fewer.

    *Emits* the item with the largest key so far for each item, or that item once; of equal keys the first. *NaN* wins,
    as in numpy: the first item with a NaN key is the result, whatever its place. *State* one item and its key, for each
    group. *Raises* `TypeError` for a key that cannot be compared, None included;
    with `reduce`, for keys of different types when it completes.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([("b", 3), ("c", 5), ("a", 2)]).pipe(rs.math.argmax(lambda i: i[1], reduce=True)).run()
    ('c', 5)
    """
    return operator(ArgMax(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class ArgMax(KeyedFold):
    """The node of `argmax`."""

    name: ClassVar[str] = "argmax"

    def comparison(self) -> Reduction:
        return _extreme(gt)


def top_k(
    k: int, key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Find the `k` items with the largest keys.

    ```
    --3-----5-------4-------|
      top_k(2)
    --(3,)--(5, 3)--(5, 4)--|
    ```

    Args:
        k: how many items to keep, at least 1. An item costs a comparison with all of them: keep tens, not thousands.
        key_mapper: the key to compare; by default the item itself. For the smallest keys, negate it.
        reduce: emit only the final items, when the stream or its window completes; `()` for an empty stream.
        skip_missing: leave out items whose key is None or NaN.
        min_periods: how many keys the result needs; it is None for fewer.

    *Emits* a tuple of at most `k` items for each item, or once: the one with the largest key first, of equal keys the
    one that came first. *NaN* has no rank: it raises `ValueError`. *State* at most `k` items and their
    keys, for each group. *Raises* `TypeError` for a key that cannot be compared, None included;
    with `reduce`, for keys of different types when it completes.

    Raises:
        PipelineError: k is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([3, 5, 4]).pipe(rs.math.top_k(2, reduce=True)).run()
    (5, 4)
    """
    return operator(TopK(key_mapper, reduce, whole_number(k, "top_k: k"), **missing))


@dataclass(frozen=True, eq=False)
class TopK(KeyedFold):
    """The node of `top_k`."""

    name: ClassVar[str] = "top_k"
    k: int = 1

    def comparison(self) -> Reduction:
        return Reduction((), self._add, self._merge, _items, _ranked, _has_no_key)

    def _add(self, kept: tuple[Keyed, ...], keyed: Keyed) -> tuple[Keyed, ...]:
        try:
            if len(kept) == self.k and not keyed[0] > kept[-1][0]:
                return kept
            return self._merge(kept, (keyed,))
        except TypeError as error:
            raise incomparable(error, kept[-1][0]) from error

    def _merge(self, earlier: tuple[Keyed, ...], later: tuple[Keyed, ...]) -> tuple[Keyed, ...]:
        # the sort is stable in reverse, too: of equal keys, the earlier one stays in front
        return tuple(sorted(earlier + later, key=itemgetter(0), reverse=True)[: self.k])


def _extreme(is_further: Callable[[Any, Any], bool]) -> Reduction:
    """Return the reduction to the first item whose key no other exceeds in the given direction, or is NaN."""

    def further(kept: Keyed | None, keyed: Keyed) -> Keyed:
        if kept is None:
            return keyed
        key, best = keyed[0], kept[0]
        try:
            return keyed if best == best and (is_further(key, best) or key != key) else kept
        except TypeError as error:
            raise incomparable(error, best) from error

    def merge(earlier: Keyed | None, later: Keyed | None) -> Keyed | None:
        return earlier if later is None else further(earlier, later)

    return Reduction(None, further, merge, _item, _read, _has_no_key)


def _item(kept: Keyed | None) -> Any:
    return None if kept is None else kept[1]


def _items(kept: tuple[Keyed, ...]) -> tuple[Any, ...]:
    return tuple(item for _, item in kept)


def _read(keyed: Keyed) -> Keyed:
    return comparable(keyed[0]), keyed[1]


def _ranked(keyed: Keyed) -> Keyed:
    key = comparable(keyed[0])
    if key != key:
        raise ValueError("NaN has no rank: filter it, fill it, or reduce with skip_missing=True")
    return key, keyed[1]


def _has_no_key(keyed: Keyed) -> bool:
    return is_missing(keyed[0])
