"""The column forms of `math.min` and `math.max`: see `stream/math/extremes.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import KINDS, Array, Column
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, choose, without
from makiserve.stream.engine.fold import Fold


class Extreme(ColumnFold):
    """The first value that no other exceeds, and whether there is one.

    Args:
        node: the operator.
        kind: the type of the items' array.
        further: numpy's function for the one of two values that is kept.
    """

    def __init__(self, node: Fold, kind: np.dtype[Any], further: np.ufunc) -> None:
        super().__init__(node, kind)
        self._further = further

    def zero(self, count: int) -> Arrays:
        return np.zeros(count, self.kind), np.zeros(count, np.bool_)

    def single(self, values: Array) -> Arrays:
        return values, np.ones(1, np.bool_)

    def add(self, partial: Arrays, values: Array) -> Arrays:
        kept, known = partial
        further = self._of(kept, values)
        return further if known.all() else np.where(known, further, values), np.ones_like(known)

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        merged: Arrays = self._of(earlier[0], later[0]), earlier[1] | later[1]
        if self.skip_missing:
            merged = choose(earlier[1], choose(later[1], merged, earlier), later)
        return merged

    def result(self, partial: Arrays) -> Column:
        return without(Column(partial[0]), ~partial[1])

    def plain(self, partial: Arrays) -> list[Any]:
        pairs = zip(*(array.tolist() for array in partial), strict=True)
        return [value if known else None for value, known in pairs]

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        wanted = next(type_ for type_, kind in KINDS.items() if kind == self.kind)
        if any(value is not None and type(value) is not wanted for value in partials):
            return None
        try:
            values = np.array([0 if value is None else value for value in partials], self.kind)
        except OverflowError:  # an integer beyond 64 bits
            return None
        return values, np.array([value is not None for value in partials], np.bool_)

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        if self.kind == np.float64 and (values == 0).any():  # numpy keeps either of 0.0 and -0.0
            return super().accumulate(carry, values)
        start = carry[0] if carry[1][0] else values[:1]
        further = self._further.accumulate(np.concatenate((start, values)))[1:]
        return further, np.ones(len(values), np.bool_)

    def _of(self, kept: Array, values: Array) -> Array:
        """Return the further ones: of two equal values the kept one, which may be -0.0; NaN exceeds any value."""
        further: Array = self._further(kept, values)
        if self.kind == np.float64:
            zero = further == 0
            if zero.any():
                further = np.where(zero & (kept == 0), kept, further)
        return further
