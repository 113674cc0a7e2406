"""Partial results of trailing windows, merged in the order of the row engine."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask, column_of
from makiserve.stream.columns.folds.fold import ColumnFold, Reading, broadcast, choose, part, plain_panes
from makiserve.stream.columns.folds.objects import ObjectFold
from makiserve.stream.columns.segments import ranges
from makiserve.stream.columns.sequences import Sequences, merged
from makiserve.stream.columns.trailing import Windows


class TrailingMerges:
    """The merges of the windows of a batch, which all reductions share.

    Args:
        windows: the windows.
        window_ms: their length.
    """

    def __init__(self, windows: Windows, window_ms: int) -> None:
        self._windows, self._window_ms = windows, window_ms

    def results(self, fold: ColumnFold, values: Column) -> tuple[Column, Mask | None]:
        """Return the result of each window, and the windows that only the row engine can compute.

        Args:
            fold: the reduction.
            values: what it reduces of the items in `source` of the windows.
        """
        with np.errstate(all="ignore"):
            reading = fold.read(values)
            if isinstance(fold, ObjectFold):
                return self._one_by_one(fold, reading)
            single = broadcast(fold.single(reading.values), len(values))
            if reading.given is not None:
                single = choose(reading.given, single, fold.zero(1))
            partial = merged(fold, single, self._prefixes)
            some = self._is_cut
            if some.any():
                suffix = merged(fold, single, self._suffixes)
                joined = broadcast(fold.merge(suffix, part(partial, some)), int(some.sum()))
                for array, values_ in zip(partial, joined, strict=True):
                    array[some] = values_
            return fold.result(partial), None

    @cached_property
    def _is_cut(self) -> Mask:
        """A mask of the windows that have items before their cut."""
        is_cut: Mask = self._windows.first < self._windows.cut
        return is_cut

    @cached_property
    def _buckets(self) -> tuple[Array, Array, Array]:
        """The first item and the number of items of each bucket of a run, and the bucket of each item."""
        windows = self._windows
        bucket = windows.times // self._window_ms
        begins = np.ones(len(bucket), np.bool_)
        begins[1:] = (bucket[1:] != bucket[:-1]) | (windows.run[1:] != windows.run[:-1])
        first = np.flatnonzero(begins)
        return first, np.diff(first, append=len(bucket)), np.cumsum(begins) - 1

    @cached_property
    def _prefixes(self) -> Sequences:
        """The items of each window after its cut.

        A late item may be in a bucket that has lost its first items: these windows are merged separately.
        """
        windows, (firsts, lengths, bucket_of) = self._windows, self._buckets
        is_short = windows.first > windows.cut
        bucket = bucket_of[windows.last]
        used = np.unique(bucket[~is_short])
        short = windows.last[is_short] - windows.first[is_short] + 1
        items = np.concatenate((ranges(firsts[used], lengths[used]), ranges(windows.first[is_short], short)))
        ends = np.cumsum(np.concatenate((lengths[used], short)))
        at = np.empty(len(bucket), np.int64)
        number = np.searchsorted(used, bucket[~is_short])
        at[~is_short] = (
            (ends[: len(used)] - lengths[used])[number] + windows.last[~is_short] - firsts[bucket[~is_short]]
        )
        at[is_short] = ends[len(used) :] - 1
        return Sequences(items, np.concatenate((lengths[used], short)), at, is_backward=False)

    @cached_property
    def _suffixes(self) -> Sequences:
        """The items of each window before its cut, from the right."""
        firsts, lengths, bucket_of = self._buckets
        first = self._windows.first[self._is_cut]
        bucket = bucket_of[first]
        used = np.unique(bucket)
        lasts = firsts + lengths - 1
        items = -ranges(-lasts[used], lengths[used])
        number = np.searchsorted(used, bucket)
        at = (np.cumsum(lengths[used]) - lengths[used])[number] + lasts[bucket] - first
        return Sequences(items, lengths[used], at, is_backward=True)

    def _one_by_one(self, fold: ColumnFold, reading: Reading) -> tuple[Column, Mask | None]:
        """Compute with functions of the row engine that may raise."""
        result, pane = fold.reduction.result, _Panes(fold, reading)
        results, odd = list[Any](), np.zeros(len(self._windows.last), np.bool_)
        for index, (first, cut, last) in enumerate(
            zip(
                *(array.tolist() for array in (self._windows.first, self._windows.cut, self._windows.last)), strict=True
            )
        ):
            try:
                partial = pane.window(first, cut, last)
                results.append(result(partial) if result else partial)
            except Exception:  # noqa: BLE001  the values are a user's
                results.append(None)
                odd[index] = True
        return column_of(results), odd if odd.any() else None


class _Panes:
    """The row engine's partial results of windows; windows with the same cut share merges."""

    def __init__(self, fold: ColumnFold, reading: Reading) -> None:
        self._pane, self._merge = plain_panes(fold, reading), fold.reduction.merge
        self._before: dict[int, list[Any]] = {}
        self._since: dict[int, list[Any]] = {}

    def window(self, first: int, cut: int, last: int) -> Any:
        """Return the partial result of a window."""
        start = max(first, cut)
        since = self._since.setdefault(start, [])
        for index in range(start + len(since), last + 1):
            pane = self._pane(index, index + 1)
            since.append(self._merge(since[-1], pane) if since else pane)
        if first >= cut:
            return since[last - start]
        before = self._before.setdefault(cut, [])
        for index in range(cut - 1 - len(before), first - 1, -1):
            pane = self._pane(index, index + 1)
            before.append(self._merge(pane, before[-1]) if before else pane)
        return self._merge(before[cut - 1 - first], since[last - start])
