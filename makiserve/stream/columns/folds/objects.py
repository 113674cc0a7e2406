"""The general column form of a reduction: the partial results of the row engine as an array of objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, column_of
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading
from makiserve.stream.engine.fold import Fold


class ObjectFold(ColumnFold):
    """Any reduction, over values of any kind. Its methods raise what the reduction raises."""

    def __init__(self, node: Fold) -> None:
        super().__init__(node, np.dtype(object))
        if node.min_periods:
            self.reduction = self.reduction.at_least(node.min_periods)

    def zero(self, count: int) -> Arrays:
        return _objects([self.reduction.zero] * count)

    def single(self, values: Array) -> Arrays:
        zero, add = self.reduction.zero, self.reduction.add
        return _objects([add(zero, value) for value in values.tolist()])

    def add(self, partial: Arrays, values: Array) -> Arrays:
        return _objects(map(self.reduction.add, partial[0].tolist(), values.tolist()))

    def merge(self, earlier: Arrays, later: Arrays) -> Arrays:
        return _objects(map(self.reduction.merge, earlier[0].tolist(), later[0].tolist()))

    def result(self, partial: Arrays) -> Column:
        result = self.reduction.result
        return column_of([result(value) for value in partial[0].tolist()] if result else partial[0].tolist())

    def plain(self, partial: Arrays) -> list[Any]:
        partials: list[Any] = partial[0].tolist()
        return partials

    def from_plain(self, partials: Sequence[Any]) -> Arrays | None:
        return _objects(partials)

    def takes(self, items: Items) -> bool:
        return True

    def read(self, items: Items) -> Reading:
        count = len(items)
        values, given, failed = np.empty(count, object), np.ones(count, np.bool_), np.zeros(count, np.bool_)
        reduction = self.reduction
        for index, item in enumerate(items.items()):
            try:
                if self.skip_missing and reduction.is_missing(item):
                    given[index] = False
                else:
                    values[index] = item if reduction.read is None or type(item) is float else reduction.read(item)
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001  the value is a user's, and may raise anything
                failed[index] = True
        return Reading(values, given if self.skip_missing else None, failed if failed.any() else None)


def _objects(partials: Any) -> Arrays:
    items = list(partials)
    return (np.fromiter(items, object, len(items)),)
