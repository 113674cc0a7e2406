"""The column form of `ops.count`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading


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
