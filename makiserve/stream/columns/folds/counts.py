"""Counts of values in column form: `ops.count`, and `min_periods`, the minimum that a result needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, Mask
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading, without
from makiserve.stream.engine.fold import Fold


class Counts(ColumnFold):
    """The number of items of any kind."""

    def zero(self, count: int) -> Arrays:
        return (np.zeros(count, np.int64),)

    def single(self, values: Array) -> Arrays:
        return (np.ones(1, np.int64),)

    def add(self, partial: Arrays, values: Array) -> Arrays:
        return (partial[0] + 1,)

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        return (earlier[0] + later[0],)

    def result(self, partial: Arrays) -> Column:
        return Column(partial[0])

    def plain(self, partial: Arrays) -> list[Any]:
        counts: list[Any] = partial[0].tolist()
        return counts

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        return (np.array(partials, np.int64),)

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        return (carry[0] + np.arange(1, len(values) + 1),)

    def takes(self, items: Items) -> bool:
        return True

    def read(self, items: Items) -> Reading:
        none = np.zeros(len(items), np.bool_)
        if not self.skip_missing:
            return Reading(none)
        if isinstance(items, Column) and items.values.dtype != object:
            missing = none if items.missing is None else items.missing
            return Reading(none, ~(missing | np.isnan(items.values)))
        given, failed = none.copy(), none.copy()
        for index, item in enumerate(items.items()):
            try:
                given[index] = not self.reduction.is_missing(item)
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001  the comparison may be a user's
                failed[index] = True
        return Reading(none, given, failed if failed.any() else None)


class AtLeast(ColumnFold):
    """A reduction with the number of its values, which the result needs a minimum of."""

    def __init__(self, node: Fold, inner: ColumnFold, least: int) -> None:
        super().__init__(node, inner.kind)
        self.reduction = self.reduction.at_least(least)
        self.few = inner.few
        self._inner, self._least = inner, least

    def zero(self, count: int) -> Arrays:
        return np.zeros(count, np.int64), *self._inner.zero(count)

    def single(self, values: Array) -> Arrays:
        return np.ones(1, np.int64), *self._inner.single(values)

    def add(self, partial: Arrays, values: Array) -> Arrays:
        return partial[0] + 1, *self._inner.add(partial[1:], values)

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        return earlier[0] + later[0], *self._inner.merge(earlier[1:], later[1:])

    def result(self, partial: Arrays) -> Column:
        return without(self._inner.result(partial[1:]), partial[0] < self._least)

    def plain(self, partial: Arrays) -> list[Any]:
        return list(zip(partial[0].tolist(), self._inner.plain(partial[1:]), strict=True))

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        inner = self._inner.from_plain([partial for _, partial in partials])
        return inner and (np.array([count for count, _ in partials], np.int64), *inner)

    def outgrown(self, partial: Arrays) -> Mask | None:
        return self._inner.outgrown(partial[1:])

    def accumulate(self, carry: Arrays, values: Array) -> Arrays:
        return carry[0] + np.arange(1, len(values) + 1), *self._inner.accumulate(carry[1:], values)

    def takes(self, items: Items) -> bool:
        return self._inner.takes(items)

    def read(self, items: Items) -> Reading:
        return self._inner.read(items)

    def scalars(self, values: Array) -> list[Any]:
        return self._inner.scalars(values)
