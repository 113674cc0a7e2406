"""The panes of a batch, with their partial results, and the results of the windows that close."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, Unrepresentable
from makiserve.stream.columns.column import Array, Column, Items, column_of, join
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.folds import ColumnFold
from makiserve.stream.columns.folds.fold import Arrays, Reading, part
from makiserve.stream.columns.folds.objects import ObjectFold
from makiserve.stream.columns.hopping_windows import Closing, Panes
from makiserve.stream.columns.pane_merges import merge_panes
from makiserve.stream.columns.running import partials
from makiserve.stream.columns.segments import Segments
from makiserve.stream.columns.spans import HoppingSpans
from makiserve.stream.columns.steps.folding import FoldStore, checked_reading
from makiserve.stream.columns.steps.reductions import Bound, Values, WindowReduction, WindowResults
from makiserve.stream.columns.store import ItemStore


class PaneResults(WindowResults):
    """The partial results of panes, and the results of the windows that close.

    Args:
        flow: the items of the batch.
        attempt: the current attempt at the batch.
        panes: the panes.
        places: the places of those that are kept from earlier batches.
        spans: the bounds of the windows.

    Attributes:
        panes: the panes.
        closing: the windows that close.
    """

    closing: Closing

    def __init__(self, flow: Flow, attempt: Attempt, panes: Panes, places: Array, spans: HoppingSpans) -> None:
        super().__init__(attempt)
        self._flow, self.panes, self._places, self._spans = flow, panes, places, spans
        self._items: dict[int, Items] = {}
        self._folds: dict[int, ColumnFold] = {}
        self._partials: dict[int, Arrays] = {}
        self._likes: Column | None = None

    def add(self, leaf: WindowReduction, values: Sequence[Values], store: FoldStore, added: Flow) -> Sequence[Array]:
        """Add items to their panes; return the partial results of all panes, for the store.

        Raises:
            RecordsFailed: a function fails on some items, or the reduction cannot add their values.
            Unrepresentable: arrays cannot hold a value or a partial result.
        """
        if len(added) and leaf.values not in self._items:
            self._items[leaf.values] = values[leaf.values].chain.run(added, self.attempt).items
        fold = store.accept(self._items[leaf.values]) if len(added) else store.fold
        if fold is None:  # no pane has ever had an item
            return store.get(self._places)
        carry = self._carried(fold, store)
        self._folds[id(leaf)], self._partials[id(leaf)] = fold, carry
        if not len(added):
            return carry
        reading = checked_reading(leaf, fold, added.with_items(self._items[leaf.values]))
        items, has_new = self.panes.items, self.panes.lengths > 0
        given = None if reading.given is None else reading.given[items]
        added_partials = partials(
            fold,
            Reading(reading.values[items], given),
            Segments(self.panes.lengths[has_new]),
            tuple(array[has_new] for array in carry),
        )
        if added_partials.failed is not None:  # the row engine names the error
            raise Unrepresentable(self._flow.at[self.panes.at[added_partials.failed]].tolist())
        self._partials[id(leaf)] = tuple(
            np.concatenate(pair) for pair in zip(carry, added_partials.after_each, strict=True)
        )
        after = tuple(array.copy() for array in carry)
        for array, last in zip(after, added_partials.last, strict=True):
            array[has_new] = last
        return after

    def add_times(self, given: Items, store: ItemStore) -> Column:
        """Return the time of the first item of each pane, as `time_mapper` returned it."""
        if not len(given):
            self._likes = store.at(self._places).take(self.panes.kept)
            return self._likes
        new = store.accept(given)
        times = join([store.at(self._places), new]) if len(self._places) else new
        assert isinstance(times, Column)  # noqa: S101  of two columns
        first = self.panes.items[np.minimum(self.panes.ends - self.panes.lengths, len(new) - 1)]
        self._likes = times.take(np.where(self.panes.kept < 0, len(self._places) + first, self.panes.kept))
        return self._likes

    def flow_of(self, results: Items) -> Flow:
        return self._flow.emitted(self.closing.at, results)

    def results(self, leaf: WindowReduction) -> Items:
        if isinstance(leaf.node, Bound):
            return self._bounds(leaf.node.number)
        fold = self._folds[id(leaf)]
        single = part(self._partials[id(leaf)], self.closing.partials)
        if isinstance(fold, ObjectFold):
            return self._one_by_one(fold, single)
        lengths = self.closing.lengths
        order = np.argsort(-lengths, kind="stable")
        starts, odd = (np.cumsum(lengths) - lengths)[order], np.zeros(len(lengths), np.bool_)
        active = np.searchsorted(-lengths[order], -np.arange(lengths[order[0]]), side="left").tolist()

        def merge(earlier: Arrays, later: Arrays) -> Arrays:
            merged = fold.merge(earlier, later)
            outgrown = fold.outgrown(merged)
            if outgrown is not None:
                odd[: len(outgrown)] |= outgrown
            return merged

        with np.errstate(all="ignore"):
            merged_panes = merge_panes(
                [slice(0, count) for count in active],
                lambda step, at: part(single, starts[at] + step),
                merge,
                len(lengths),
            )
            self._check(order[odd])
            ordered = tuple(np.empty_like(array) for array in merged_panes)
            for array, values in zip(ordered, merged_panes, strict=True):
                array[order] = values
            return fold.result(ordered)

    def _bounds(self, number: int) -> Column:
        """Return the start or the end of each window that closes."""
        assert self._likes is not None  # noqa: S101  a bound is read
        likes = self._likes.take(self.closing.first).items()
        bounds, odd = list[Any](), list[int]()
        for index, (window, like) in enumerate(zip(self.closing.number.tolist(), likes, strict=True)):
            try:
                bounds.append(self._spans.bounds(window, like)[number])
            except (OverflowError, ValueError):  # not within the years 1 to 9999
                bounds.append(None)
                odd.append(index)
        self._check(np.array(odd, np.int64))
        return column_of(bounds)

    def _carried(self, fold: ColumnFold, store: FoldStore) -> Arrays:
        """Return the partial result of each pane before the batch."""
        carry, kept = fold.zero(len(self.panes.kept)), store.get(self._places)
        outgrown = fold.outgrown(kept)
        is_kept = self.panes.kept >= 0
        if outgrown is not None:
            segments = self.panes.segment[is_kept][outgrown[self.panes.kept[is_kept]]]
            raise Unrepresentable(self._flow.at[np.isin(self._flow.segments.segment_of, segments)].tolist())
        for array, values in zip(carry, kept, strict=True):
            array[is_kept] = values[self.panes.kept[is_kept]]
        return carry

    def _one_by_one(self, fold: ObjectFold, single: Arrays) -> Column:
        """Merge with functions of the row engine, of which any may raise."""
        merge, result = fold.reduction.merge, fold.reduction.result
        plain, results, odd, start = fold.plain(single), list[Any](), list[int](), 0
        for window, length in enumerate(self.closing.lengths.tolist()):
            try:
                partial = reduce(merge, plain[start : start + length])
                results.append(result(partial) if result else partial)
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001  the values are a user's
                results.append(None)
                odd.append(window)
            start += length
        self._check(np.array(odd, np.int64))
        return column_of(results)

    def _check(self, odd: Array) -> None:
        """Raise if arrays cannot hold the results of some windows."""
        if len(odd):
            raise Unrepresentable(self._flow.at[self.closing.at[odd]].tolist())
