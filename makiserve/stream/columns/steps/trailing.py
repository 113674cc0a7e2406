"""`roll_trailing` in columns: the window of event time that ends at each item.

A group's state is a list: the times of the items of the last window, in order, and the values of each distinct
function of an item, which all reductions of these values share. The partial results are computed again in each batch.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, Unrepresentable, check_representable
from makiserve.stream.columns.column import Array, Column, Items, column_of
from makiserve.stream.columns.event_times import EventTimes
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.folds import ColumnFold, column_fold
from makiserve.stream.columns.folds.fold import LARGEST_BATCH, plain_panes, without
from makiserve.stream.columns.list_store import ListStore
from makiserve.stream.columns.steps.folding import checked_reading
from makiserve.stream.columns.steps.pane_states import pane_contents
from makiserve.stream.columns.steps.reductions import (
    Bound,
    FirstItem,
    Join,
    ReducingStep,
    Values,
    WindowReduction,
    WindowResults,
)
from makiserve.stream.columns.steps.step import ScopeLayout
from makiserve.stream.columns.store import ItemStore, Store, numbers
from makiserve.stream.columns.trailing_merges import TrailingMerges
from makiserve.stream.columns.trailing_windows import Kept, Runs, runs, windows
from makiserve.stream.data.trailing_bounds import TrailingBounds
from makiserve.stream.engine.stage import State
from makiserve.stream.event_time import bounds_like
from makiserve.stream.ops.position import Last

MAX_ITEMS_PER_NEW = 128
"""The number of items in windows for each new item beyond which the row engine is faster."""

MAX_ITEMS = 2**16
"""The number of items in windows that any batch may have."""


class TrailingStep(ReducingStep):
    """Emits what a pipeline makes of the window that ends at each item.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        bounds: which times a window contains.
        time_mapper: the time of an item.
        values: what the reductions of a window reduce.
        tree: the reductions, and how their results are joined.
    """

    def __init__(
        self,
        path: str,
        layout: ScopeLayout,
        bounds: TrailingBounds,
        time_mapper: Callable[[Any], Any],
        values: Sequence[Values],
        tree: WindowReduction | Join,
    ) -> None:
        super().__init__(path, values, tree)
        self._bounds, self._times = bounds, EventTimes(time_mapper)
        kept = [index for index, value in enumerate(values) if not value.is_last]
        self._column_of = {number: at for at, number in enumerate(kept, 1)}
        self._lists = layout.store(path, lambda: ListStore([Store(numbers(np.int64)), *(ItemStore() for _ in kept)]))

    @property
    def reason(self) -> str | None:
        return self._times.reason

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        given, times = self._times.read(flow, self.path, is_certain=self.is_certain)
        lists: ListStore = self._lists.of(attempt.tables)
        places = lists.places(flow.rows)
        (kept,) = lists.columns[0].get(places)
        items = Kept(self._bounds, flow.segments, lists.lengths(flow.rows), kept, times)
        parts = runs(items)
        _check_size(flow, parts)
        results = _Results(flow, attempt, items, parts, given)
        for leaf in self.leaves:
            results.read(leaf, self.values, self._column(lists, leaf.values), places)
        self._write(flow, attempt, results)
        return results.emitted(self.tree)

    def _column(self, lists: ListStore, number: int) -> ItemStore | None:
        """Return the store of these values; None if they are not kept."""
        store = lists.columns[self._column_of[number]] if number in self._column_of else None
        assert store is None or isinstance(store, ItemStore)  # noqa: S101  what the columns of values are
        return store

    def _write(self, flow: Flow, attempt: Attempt, results: _Results) -> None:
        """Note the lists after the batch. Those of which all new items were too late to be kept stay as they are."""
        batch_windows, parts = results.windows, results.parts
        lengths = np.bincount(parts.segments[batch_windows.run[batch_windows.kept]], minlength=len(flow.rows))
        changed = np.flatnonzero(lengths)
        lists: ListStore = self._lists.of(attempt.tables)
        content: list[Any] = [(batch_windows.times[batch_windows.kept],)]
        for number, column in results.extended.items():
            store = self._column(lists, number)
            assert store is not None  # noqa: S101  these are the values that are kept
            content.append(store.content(column.take(batch_windows.source[batch_windows.kept])))
        attempt.write(lists, flow.rows[changed], [lengths[changed], *content])

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        lists: ListStore = self._lists.of(tables)
        places = lists.places(np.array([row]))
        times = lists.columns[0].get(places)[0].tolist()
        partials = [self._partials(leaf, lists, places) for leaf in self.leaves]
        panes = pane_contents(self.tree, partials, state)
        for pane, time in zip(panes, times, strict=True):
            pane.append(time)
        end = times[-1] - self._bounds.gap_ms if times else 0
        cut = bisect_left(times, end // self._bounds.length_ms * self._bounds.length_ms)
        ahead = bisect_right(times, end)
        slots = [panes[:cut][::-1], panes[cut:ahead], [], []]
        return slots if self._bounds.has_item else [*slots, panes[ahead:]]

    def _partials(self, leaf: WindowReduction, lists: ListStore, places: Array) -> list[Any]:
        """Return the partial result of each kept item; None if only the newest one of a window is ever needed."""
        store = self._column(lists, leaf.values)
        if store is None:
            return [None] * len(places)
        values = store.at(places)
        fold = column_fold(leaf.node, values)
        pane = plain_panes(fold, fold.read(values))
        return [pane(index, index + 1) for index in range(len(places))]


class _Results(WindowResults):
    """The windows of a batch, and the values that they reduce.

    Attributes:
        parts: the runs of the items.
        windows: the windows.
        extended: by the number of the values, those of the kept and of the new items.
    """

    def __init__(self, flow: Flow, attempt: Attempt, items: Kept, parts: Runs, given: Items) -> None:
        super().__init__(attempt)
        self._flow, self._kept, self._given = flow, items, given
        self.parts, self.windows = parts, windows(items, parts)
        self._merges = TrailingMerges(self.windows, items.bounds.length_ms)
        self._items: dict[int, Items] = {}
        self.extended: dict[int, Column] = {}
        self._values: dict[int, Column] = {}
        self._folds: dict[int, ColumnFold] = {}

    def read(self, leaf: WindowReduction, values: Sequence[Values], store: ItemStore | None, places: Array) -> None:
        """Compute the values that a reduction needs, and check that it can add them.

        Args:
            leaf: the reduction.
            values: the values of the window.
            store: the kept values; None if none are.
            places: their places.

        Raises:
            RecordsFailed: a function fails on some items, or the reduction cannot add their values.
            Unrepresentable: arrays cannot hold a value.
        """
        number = leaf.values
        if isinstance(leaf.node, Bound):
            return
        if number not in self._items:
            self._items[number] = values[number].chain.run(self._flow, self.attempt).items
            if store is not None:
                new = store.accept(self._items[number])
                self.extended[number] = self._kept.extend(store.at(places), new)
                self._values[number] = self.extended[number].take(self.windows.source)
        if store is not None and not isinstance(leaf.node, FirstItem | Last):
            fold = self._folds[id(leaf)] = column_fold(leaf.node, self._values[number])
            checked_reading(leaf, fold, self._flow.with_items(self._items[number]))

    def flow_of(self, results: Items) -> Flow:
        return self._flow.with_items(results)

    def results(self, leaf: WindowReduction) -> Items:
        if isinstance(leaf.node, Bound):
            return self._bounds(leaf.node.number)
        if leaf.values not in self._values:  # `last`: a window ends with its own item
            return self._items[leaf.values]
        if isinstance(leaf.node, FirstItem):
            return self._item(leaf.values, self.windows.first)
        if isinstance(leaf.node, Last):
            return self._item(leaf.values, self.windows.last)
        results, odd = self._merges.results(self._folds[id(leaf)], self._values[leaf.values])
        check_representable(self._flow, odd)
        return results

    def _item(self, number: int, at: Array) -> Column:
        """Return a value of each window, given its index; None if the window is empty."""
        items = self._values[number].take(np.maximum(at, 0))
        return without(items, self.windows.first > self.windows.last)

    def _bounds(self, number: int) -> Column:
        """Return the start or the end of each window, in the form of its item's time."""
        ends = self._kept.times
        starts = ends - self._kept.bounds.window_ms
        if isinstance(self._given, Column) and self._given.values.dtype != object:
            return Column((starts, ends)[number])
        bounds, odd = list[Any](), np.zeros(len(ends), np.bool_)
        for index, triple in enumerate(zip(starts.tolist(), ends.tolist(), self._given.items(), strict=True)):
            try:
                bounds.append(bounds_like(*triple)[number])
            except (OverflowError, ValueError):  # not within the years 1 to 9999
                bounds.append(None)
                odd[index] = True
        check_representable(self._flow, odd)
        return column_of(bounds)


def _check_size(flow: Flow, parts: Runs) -> None:
    """Raise if the row engine is faster, because windows have many items.

    Raises:
        Unrepresentable: it is; the error names the records of groups that have more items for each new one than others.
    """
    segments = flow.segments
    items = np.bincount(parts.segments, weights=parts.lengths, minlength=len(segments.lengths))
    most = len(flow) + max(MAX_ITEMS, min(MAX_ITEMS_PER_NEW * len(flow), 4 * LARGEST_BATCH))
    is_long = items > LARGEST_BATCH
    if items.sum() > most:
        is_long |= items * len(flow) > most * segments.lengths
    if is_long.any():
        raise Unrepresentable(flow.at[is_long[segments.segment_of]].tolist())
