"""Partial results of trailing windows, merged in the order of the row engine."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask, column_of
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading, broadcast, choose, part, plain_panes
from makiserve.stream.columns.folds.objects import ObjectFold
from makiserve.stream.columns.segments import ranges
from makiserve.stream.columns.sequences import Sequences, merged
from makiserve.stream.columns.trailing_windows import Windows


class TrailingMerges:
    """The merges of the windows of a batch, which all reductions share.

    Args:
        windows: the windows.
        length_ms: the number of milliseconds in each.
    """

    def __init__(self, windows: Windows, length_ms: int) -> None:
        self._windows, self._length_ms = windows, length_ms

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
            partial = self._partial(fold, single)
            return fold.result(partial), None

    def _partial(self, fold: ColumnFold, single: Arrays) -> Arrays:
        """Return the partial result of each window, given those of the items."""
        has_suffix, has_prefix = self._has_suffix, self._has_prefix
        if has_prefix.all():
            partial = merged(fold, single, self._prefixes)
        else:
            partial = tuple(np.array(array) for array in broadcast(fold.zero(1), len(has_prefix)))
            if has_prefix.any():
                _put(partial, has_prefix, merged(fold, single, self._prefixes))
        if has_suffix.any():
            suffix = merged(fold, single, self._suffixes)
            joined = broadcast(fold.merge(suffix, part(partial, has_suffix)), int(has_suffix.sum()))
            is_both = has_prefix[has_suffix]
            _put(partial, has_suffix, joined if is_both.all() else choose(is_both, joined, suffix))
        return partial

    @cached_property
    def _has_suffix(self) -> Mask:
        """A mask of the windows that have items before their cut."""
        has_suffix: Mask = self._windows.first < self._windows.cut
        return has_suffix

    @cached_property
    def _has_prefix(self) -> Mask:
        """A mask of the windows that have items after their cut."""
        has_prefix: Mask = np.maximum(self._windows.first, self._windows.cut) <= self._windows.last
        return has_prefix

    @cached_property
    def _buckets(self) -> tuple[Array, Array, Array]:
        """The first item and the number of items of each bucket of a run, and the bucket of each item."""
        windows = self._windows
        bucket = windows.times // self._length_ms
        begins = np.ones(len(bucket), np.bool_)
        begins[1:] = (bucket[1:] != bucket[:-1]) | (windows.run[1:] != windows.run[:-1])
        first = np.flatnonzero(begins)
        return first, np.diff(first, append=len(bucket)), np.cumsum(begins) - 1

    @cached_property
    def _prefixes(self) -> Sequences:
        """The items of each window after its cut.

        A late item may be in a bucket that has lost its first items: these windows are merged separately.
        """
        has, (firsts, lengths, bucket_of) = self._has_prefix, self._buckets
        first, last = self._windows.first[has], self._windows.last[has]
        is_short = first > self._windows.cut[has]
        bucket = bucket_of[last]
        used = np.unique(bucket[~is_short])
        short = last[is_short] - first[is_short] + 1
        items = np.concatenate((ranges(firsts[used], lengths[used]), ranges(first[is_short], short)))
        ends = np.cumsum(np.concatenate((lengths[used], short)))
        at = np.empty(len(bucket), np.int64)
        number = np.searchsorted(used, bucket[~is_short])
        at[~is_short] = (ends[: len(used)] - lengths[used])[number] + last[~is_short] - firsts[bucket[~is_short]]
        at[is_short] = ends[len(used) :] - 1
        return Sequences(items, np.concatenate((lengths[used], short)), at, is_backward=False)

    @cached_property
    def _suffixes(self) -> Sequences:
        """The items of each window before its cut, from the right."""
        firsts, lengths, bucket_of = self._buckets
        first = self._windows.first[self._has_suffix]
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
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001  the values are a user's
                results.append(None)
                odd[index] = True
        return column_of(results), odd if odd.any() else None


class _Panes:
    """The row engine's partial results of windows; windows with the same cut share merges."""

    def __init__(self, fold: ColumnFold, reading: Reading) -> None:
        self._pane, self._merge, self._zero = plain_panes(fold, reading), fold.reduction.merge, fold.reduction.zero
        self._before: dict[int, list[Any]] = {}
        self._since: dict[int, list[Any]] = {}

    def window(self, first: int, cut: int, last: int) -> Any:
        """Return the partial result of a window."""
        start = max(first, cut)
        if start > last:
            return self._suffix(first, cut) if first < cut else self._zero
        since = self._since.setdefault(start, [])
        for index in range(start + len(since), last + 1):
            pane = self._pane(index, index + 1)
            since.append(self._merge(since[-1], pane) if since else pane)
        return since[last - start] if first >= cut else self._merge(self._suffix(first, cut), since[last - start])

    def _suffix(self, first: int, cut: int) -> Any:
        """Return the partial result of the items from one index up to the cut."""
        before = self._before.setdefault(cut, [])
        for index in range(cut - 1 - len(before), first - 1, -1):
            pane = self._pane(index, index + 1)
            before.append(self._merge(pane, before[-1]) if before else pane)
        return before[cut - 1 - first]


def _put(partial: Arrays, at: Mask, values: Arrays) -> None:
    """Write partial results where the mask is true."""
    for array, written in zip(partial, values, strict=True):
        array[at] = written
