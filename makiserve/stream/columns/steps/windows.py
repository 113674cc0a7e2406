"""`roll` in columns: windows of a number of items over a pipeline that reduces each window.

A group's state is the number of its items and the last `window - 1` values of each distinct function of an item, which
all reductions of these values share, and the mark of a window that could not complete. `rolling.py` computes the
windows that close in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, Unrepresentable
from makiserve.stream.columns.column import Array, Column, Items
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.folds import ColumnFold, column_fold
from makiserve.stream.columns.history import advance
from makiserve.stream.columns.rolling import Rolling
from makiserve.stream.columns.slices import Slices
from makiserve.stream.columns.steps.folding import checked_reading
from makiserve.stream.columns.steps.pane_states import pane_states
from makiserve.stream.columns.steps.reductions import (
    FirstItem,
    Join,
    ReducingStep,
    Values,
    WindowReduction,
    WindowResults,
)
from makiserve.stream.columns.steps.step import ScopeLayout
from makiserve.stream.columns.store import ItemStore, Store, numbers
from makiserve.stream.engine.failure_mark import marked
from makiserve.stream.engine.stage import State


class RollStep(ReducingStep):
    """Emits what a pipeline makes of each window of items, with the item that closes it.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        slices: the windows.
        values: what the reductions of a window reduce.
        tree: the reductions, and how their results are joined.

    Attributes:
        histories: for each of `values` the store of the last ones.
        mark: the store of the mark of the row engine (`stream/engine/failure_mark.py`); None if windows are one item.
    """

    def __init__(
        self, path: str, layout: ScopeLayout, slices: Slices, values: Sequence[Values], tree: WindowReduction | Join
    ) -> None:
        super().__init__(path, values, tree)
        self.slices = slices
        self.histories = [layout.store(path, partial(ItemStore, self._kept(value))) for value in values]
        self._counts = layout.store(path, lambda: Store(numbers(np.int64)))
        before = len(layout.stores)
        self.mark = layout.allocate_mark() if slices.window > 1 else None
        self._owns_mark = len(layout.stores) > before

    def _kept(self, values: Values) -> int:
        """Return the number of values that are kept."""
        return 1 if values.is_last else max(1, self.slices.window - 1)

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        counts = self._counts.of(attempt.tables)
        (count,) = counts.get(flow.rows)
        attempt.write(counts, flow.rows, (count + flow.segments.lengths,))
        if self.slices.stride > self.slices.window:
            flow = flow.where(self.slices.is_open(count[flow.segments.segment_of] + flow.segments.ranks))
            (count,) = counts.get(flow.rows)
            if not len(flow):
                return flow
        removed = self._removed(flow, count, attempt)
        rolling = Rolling(self.slices.without_gaps, flow.segments, self.slices.count_without_gaps(count), removed)
        windows = _Windows(flow, rolling, attempt)
        for leaf in self.leaves:
            windows.read(leaf, self.values[leaf.values], self.histories[leaf.values].of(attempt.tables))
        return windows.emitted(self.tree)

    def _removed(self, flow: Flow, count: Array, attempt: Attempt) -> Array | None:
        """Return the items that close a window that is removed; None if there are none."""
        if self.mark is None:
            return None
        (mark,) = self.mark.of(attempt.tables).get(flow.rows)
        return flow.segments.starts[mark == 2 * count + 2] if mark.any() else None

    def note_failure(self, tables: Sequence[Any], row: int) -> None:
        """Note that the window that the next item of a group fills could not complete."""
        assert self.mark is not None  # noqa: S101  windows of one item have none
        count, (marks,) = int(self._counts.of(tables).arrays[0][row]), self.mark.of(tables).arrays
        marks[row] = marked(count, int(marks[row]))

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        panes = pane_states(self, tables, row, int(self._counts.of(tables).arrays[0][row]), state)
        return [*panes, int(self.mark.of(tables).arrays[0][row])] if self.mark and self._owns_mark else panes


class _Windows(WindowResults):
    """The windows that close in a batch, and the values that they reduce."""

    def __init__(self, flow: Flow, rolling: Rolling, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._flow, self._rolling = flow, rolling
        self._closes = np.zeros(len(flow), np.bool_)
        self._closes[rolling.closing] = True
        self._items: dict[int, Items] = {}
        self._extended: dict[int, Column] = {}
        self._folds: dict[int, ColumnFold] = {}

    def read(self, leaf: WindowReduction, values: Values, history: ItemStore) -> None:
        """Compute the values that a reduction needs, and check that it can add them.

        Args:
            leaf: the reduction.
            values: what it reduces.
            history: the last values of each group.

        Raises:
            RecordsFailed: a function fails on some items, or the reduction cannot add their values.
            Unrepresentable: arrays cannot hold a value.
        """
        number = leaf.values
        if number not in self._items:
            self._items[number] = values.chain.run(self._flow, self.attempt).items
            extended = self._kept(values, self._items[number], history)
            if extended is not None:
                self._extended[number] = extended
        if number in self._extended and not isinstance(leaf.node, FirstItem):
            fold = self._folds[id(leaf)] = column_fold(leaf.node, self._extended[number])
            checked_reading(leaf, fold, self._flow.with_items(self._items[number]))

    def flow_of(self, results: Items) -> Flow:
        return self._flow.where(self._closes, results)

    def _kept(self, values: Values, items: Items, store: ItemStore) -> Column | None:
        """Keep the last values; return the values of each segment after those of its history."""
        flow, segments = self._flow, self._flow.segments
        if values.is_last:  # the others never become objects
            items, segments = items.take(segments.starts + segments.lengths - 1), segments.ones
        column = store.accept(items)
        held, held_missing = store.get(flow.rows)
        first = max(0, held.shape[1] - (self._rolling.slices.window - 1))  # a store has room for one value at least
        after, after_missing = advance(held, column.values, segments), held_missing
        history = Column(held[:, first:])
        if held_missing.size and (column.missing is not None or held_missing.any()):
            missing = np.zeros(len(column), np.bool_) if column.missing is None else column.missing
            history = Column(held[:, first:], held_missing[:, first:])
            column = Column(column.values, missing)
            after_missing = advance(held_missing, missing, segments)
        self.attempt.write(store, flow.rows, (after, after_missing))
        return None if values.is_last else self._rolling.extend(history, column)

    def results(self, leaf: WindowReduction) -> Items:
        if leaf.values not in self._extended:
            return self._items[leaf.values].take(self._closes)
        if isinstance(leaf.node, FirstItem):
            return self._extended[leaf.values].take(self._rolling.starts)
        results, odd = self._rolling.roll(self._folds[id(leaf)], self._extended[leaf.values])
        if odd is not None:
            raise Unrepresentable(self._flow.at[odd[self._flow.segments.segment_of]].tolist())
        return results
