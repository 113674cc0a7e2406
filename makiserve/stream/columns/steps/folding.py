"""Running reductions in columns: `count`, the reductions of `math`, `last`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from makiserve.stream.columns.attempt import Attempt, Unrepresentable, check, fail
from makiserve.stream.columns.column import Array, Column, Items, Mask
from makiserve.stream.columns.expressions.column_function import ColumnFunction, column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.folds import ColumnFold, Reading, column_fold
from makiserve.stream.columns.running import partials, running
from makiserve.stream.columns.steps.step import ScopeLayout, Step
from makiserve.stream.columns.store import Store
from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.stage import State


class Located(Protocol):
    """What an error needs to know of an operator, as in `Step`."""

    @property
    def path(self) -> str: ...
    @property
    def is_certain(self) -> bool: ...


class FoldStore(Store):
    """The partial results of a reduction. The first items decide what arrays hold them.

    Attributes:
        fold: the form of the reduction in columns; None before the first items.
    """

    def __init__(self, node: Fold) -> None:
        self._node = node
        self.fold: ColumnFold | None = None
        super().__init__(lambda count: self.fold.zero(count) if self.fold else (np.zeros(count, np.bool_),))

    def accept(self, items: Items) -> ColumnFold:
        """Return the form of the reduction; it is that for items such as these if they are the first ones."""
        if self.fold is None:
            self._become(column_fold(self._node, items))
        assert self.fold is not None  # noqa: S101  what the line above makes sure of
        return self.fold

    def plain(self, row: int) -> Any:
        """Return the partial result of a row as the row engine holds it."""
        if self.fold is None:
            return row_reduction(self._node).zero
        return self.fold.plain(tuple(array[row : row + 1] for array in self.arrays))[0]

    def _become(self, fold: ColumnFold) -> None:
        self.fold = fold
        self.arrays = fold.zero(len(self.arrays[0]))

    @property
    def saved(self) -> tuple[Array, ...]:
        return () if self.fold is None else self.arrays

    @property
    def kinds(self) -> list[list[Any]]:
        return [] if self.fold is None else [[self.fold.kind.str, 0], *super().kinds]

    def restore(self, kinds: Sequence[Sequence[Any]]) -> None:
        if kinds and self.fold is None:
            self._become(column_fold(self._node, Column(np.empty(0, np.dtype(kinds[0][0])))))

    def put_decoded(self, rows: Array, content: Sequence[Array]) -> None:
        if content:
            super().put_decoded(rows, content)


class FoldStep(Step):
    """Reduces the items of each group; emits the result after each of them or, with `reduce`, only at completion."""

    is_stateful = True

    def __init__(self, path: str, layout: ScopeLayout, node: Fold) -> None:
        super().__init__(path)
        self._node = node
        mapper = item_mapper(node)
        self._key = column_function(mapper) if mapper else None
        self._store = layout.store(path, lambda: FoldStore(node))

    @property
    def reason(self) -> str | None:
        if len(self._node.mappers) > 1:
            return "it reads several values of an item as one"
        return self._key.reason if self._key else None

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        store: FoldStore = self._store.of(attempt.tables)
        items = read_items(self, self._key, self._node, flow)
        fold = store.accept(items)
        carry = store.get(flow.rows)
        outgrown = fold.outgrown(carry)
        if outgrown is not None and outgrown.any():
            raise Unrepresentable(flow.at[outgrown[flow.segments.segment_of]].tolist())
        reading = checked_reading(self, fold, flow.with_items(items))
        if self._node.reduce:
            _, after, failed = partials(fold, reading, flow.segments, carry)
            emitted = flow.where(np.zeros(len(flow), np.bool_))
        else:
            results, after, failed = running(fold, reading, flow.segments, carry)
            emitted = flow.with_items(results)
        self._check(flow, reading, carry, failed, fold)
        attempt.write(store, flow.rows, after)
        return emitted

    def _check(self, flow: Flow, reading: Reading, carry: Any, failed: Mask | None, fold: ColumnFold) -> None:
        """Raise the error of the first item on which the reduction fails, which depends on the items before it."""
        if failed is None or not failed.any():
            return
        at = int(np.flatnonzero(failed)[0])
        segment = int(flow.segments.segment_of[at])
        partial = fold.plain(tuple(array[segment : segment + 1] for array in carry))[0]
        for index in range(int(flow.segments.starts[segment]), at + 1):
            try:
                if reading.given is None or reading.given[index]:
                    partial = fold.reduction.add(partial, reading.values[index])
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                item = flow.items.take([index]).items()[0]
                raise fail(int(flow.at[index]), error, self.path, item) from error

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        return [self._store.of(tables).plain(row)]


def row_reduction(node: Fold) -> Reduction:
    """Return the reduction as the row engine computes it."""
    return node.reduction().at_least(node.min_periods) if node.min_periods else node.reduction()


def item_mapper(node: Fold) -> Callable[[Any], Any] | None:
    """Return the function from an item to what the reduction reads of it; None if it reads the item itself."""
    mappers = node.mappers
    if len(mappers) == 1:
        return mappers[0]
    return lambda item: tuple(mapper(item) if mapper else item for mapper in mappers)


def read_items(step: Step, key: ColumnFunction | None, node: Fold, flow: Flow) -> Items:
    """Return what a reduction reads of its items.

    Raises:
        RecordsFailed: the key mapper fails on some of them.
    """
    mapper = item_mapper(node)
    if key is None or mapper is None:
        return flow.items
    items, failed = key.evaluate(flow.items)
    check(flow, failed, mapper, step.path, is_certain=step.is_certain)
    return items


def checked_reading(step: Located, fold: ColumnFold, flow: Flow) -> Reading:
    """Return the values of items that a reduction can add.

    Raises:
        RecordsFailed: some of them are not values that it can add.
        Unrepresentable: arrays cannot hold some of them.
    """
    reading = fold.read(flow.items)
    check(flow, reading.failed, lambda item: added(fold, item), step.path, is_certain=step.is_certain)
    if reading.odd is not None:
        raise Unrepresentable(flow.at[reading.odd].tolist())
    return reading


def added(fold: ColumnFold, item: Any) -> Any:
    """Return the partial result of one item; it raises what the row engine raises."""
    reduction = fold.reduction
    if fold.skip_missing and reduction.is_missing(item):
        return reduction.zero
    value = item if reduction.read is None or type(item) is float else reduction.read(item)
    return reduction.add(reduction.zero, value)
