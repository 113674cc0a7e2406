"""The column form of a reduction: the partial results of many scopes as arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from makiserve.stream.columns.column import KINDS, Array, Column, Items, Mask, none_mask
from makiserve.stream.engine.fold import Fold, Reduction

Arrays: TypeAlias = tuple[Array, ...]
"""Partial results, one array for each of their parts. An array of length 1 holds the same value for all."""

LARGEST_BATCH = 2**20
"""The number of items of a batch. The bounds of the reductions rely on it: no sum leaves its range within a batch."""


class Reading(NamedTuple):
    """The values that a reduction reads from a column.

    Attributes:
        values: the values to add.
        given: marks the values to add; the reduction skips the others. None adds all of them.
        failed: marks the values that the row engine fails to add; None if it adds all of them.
        odd: marks the values for which arrays would give other bits or types than the row engine; None if all agree.
            It may mark a value too many, never one too few.
    """

    values: Array
    given: Mask | None = None
    failed: Mask | None = None
    odd: Mask | None = None


class ColumnFold(ABC):
    """The column form of a `Fold`, for items of one kind.

    All methods work on each element separately, with the operations of the row engine in their order, so that neither
    the size of a batch nor its cut changes a bit. They expect values that are neither failed nor odd.

    Args:
        node: the operator.
        kind: the type of the items' array.

    Attributes:
        reduction: the reduction of the row engine.
        skip_missing: whether missing values are left out.
        few: below this number of segments it is faster to reduce one after the other than all of them in rounds.
    """

    few: int = 24

    def __init__(self, node: Fold, kind: np.dtype[Any]) -> None:
        self.reduction: Reduction = node.reduction()
        self.skip_missing = node.skip_missing
        self.kind = kind

    @abstractmethod
    def zero(self, count: int) -> Arrays:
        """Return the partial results of `count` scopes without items."""

    @abstractmethod
    def single(self, values: Array) -> Arrays:
        """Return the partial results of scopes with one value each: `add` to `zero`."""

    @abstractmethod
    def add(self, partial: Arrays, values: Array) -> Arrays:
        """Return the partial results with one more value each."""

    @abstractmethod
    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        """Return the partial results of two consecutive parts each."""

    @abstractmethod
    def result(self, partial: Arrays) -> Column:
        """Return the results; the arrays have the same length."""

    @abstractmethod
    def plain(self, partial: Arrays) -> list[Any]:
        """Return the partial results of the row engine; the arrays have the same length."""

    @abstractmethod
    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        """Return partial results of the row engine as arrays; None if arrays cannot hold them."""

    def outgrown(self, partial: Arrays) -> Mask | None:
        """Return which partial results the arrays cannot continue beyond this batch; None if there are none."""
        return None

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        """Return the partial results after each value, starting from the only element of `carry`."""
        partial, add = self.plain(carry)[0], self.reduction.add
        partials = []
        for value in self.scalars(values):
            partial = add(partial, value)
            partials.append(partial)
        after = self.from_plain(partials)
        assert after is not None  # noqa: S101  the values are not odd
        return after

    def takes(self, items: Items) -> bool:
        """Return whether the items are of the kind that the arrays of this form hold."""
        return isinstance(items, Column) and items.values.dtype == self.kind

    def read(self, items: Items) -> Reading:
        """Return the values of the items, and where they fail or are odd."""
        if isinstance(items, Column) and items.values.dtype == object:
            items, strange = self._typed(items)
        elif self.takes(items):
            assert isinstance(items, Column)  # noqa: S101  what `takes` makes sure of
            strange = None
        else:
            return Reading(np.zeros(len(items), self.kind), odd=np.ones(len(items), np.bool_))
        missing, given = items.missing, None
        if self.skip_missing:
            missing = _either(missing, np.isnan(items.values) if self.kind == np.float64 else None)
            given = None if missing is None else ~missing
        odd = self.odd(items.values)
        if odd is not None and missing is not None:
            odd &= ~missing
        failed = None if self.skip_missing else missing
        return Reading(self.values(items.values), given, failed, _either(odd, strange))

    def odd(self, values: Array) -> Mask | None:
        """Return which values the arrays cannot add with the row engine's bits."""
        return None

    def values(self, values: Array) -> Array:
        """Return the values in the form in which they are added."""
        return values

    def scalars(self, values: Array) -> list[Any]:
        """Return values in that form as the row engine has them."""
        scalars: list[Any] = values.tolist()
        return scalars

    def _typed(self, column: Column) -> tuple[Column, Mask]:
        """Return objects as an array of the kind, and which of them are neither None nor of the kind's own type."""
        wanted = next(type_ for type_, kind in KINDS.items() if kind == self.kind)
        items = column.values.tolist()
        missing = none_mask(items)
        strange = np.fromiter((type(item) is not wanted for item in items), np.bool_, len(items)) & ~missing
        values = np.zeros(len(items), self.kind)
        for index in np.flatnonzero(~(missing | strange)).tolist():
            try:
                values[index] = items[index]
            except OverflowError:
                strange[index] = True
        return Column(values, missing if missing.any() else None), strange


def plain_panes(fold: ColumnFold, reading: Reading) -> Callable[[int, int], Any]:
    """Return the function from two indexes to the row engine's partial result of the values from one to the other."""
    zero, add = fold.reduction.zero, fold.reduction.add
    values = fold.scalars(reading.values)
    given = None if reading.given is None else reading.given.tolist()

    def pane(start: int, end: int) -> Any:
        partial = zero
        for index in range(start, end):
            if given is None or given[index]:
                partial = add(partial, values[index])
        return partial

    return pane


def _either(first: Mask | None, second: Mask | None) -> Mask | None:
    """Return where either is true; None if nowhere."""
    masks = [mask for mask in (first, second) if mask is not None and mask.any()]
    return masks[0] | masks[-1] if masks else None


def part(partial: Arrays, at: Any) -> Arrays:
    """Return the elements at these indexes, in this slice, or where this mask is true."""
    return tuple(array if len(array) == 1 else array[at] for array in partial)


def broadcast(partial: Arrays, count: int) -> Arrays:
    """Return the arrays with `count` elements each."""
    return tuple(array if len(array) == count else np.broadcast_to(array, count) for array in partial)


def choose(condition: Mask, partial: Arrays, otherwise: Arrays) -> Arrays:
    """Return the elements of the first where the condition is true, else of the second."""
    return tuple(np.where(condition, chosen, other) for chosen, other in zip(partial, otherwise, strict=True))


def without(results: Column, missing: Mask) -> Column:
    """Return the results, with None for those that `missing` marks."""
    if not missing.any():
        return results
    if results.values.dtype == object:
        values = results.values.copy()
        values[missing] = None
        return Column(values)
    return Column(results.values, missing if results.missing is None else missing | results.missing)
