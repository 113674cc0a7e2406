"""Rolling reductions: windows of a number of items, each computed from the values of its items.

A key's state is the number of its items and the last `window - 1` values, so that all reductions of a column share
them. A window merges its panes in the order of the row engine (`slices.py`), in one of three ways:
- few windows, or few boundaries: one by one, with the functions of the row engine;
- many segments with few items each: all windows at once, pane by pane;
- long segments: all boundaries at once, pane by pane, so that windows share the merges before and after a boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask, column_of
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading, broadcast, choose, part, plain_panes
from makiserve.stream.columns.folds.objects import ObjectFold
from makiserve.stream.columns.pane_merges import added_panes, boundary_merges, merge_panes, plain_windows
from makiserve.stream.columns.segments import Segments
from makiserve.stream.columns.slices import Slices

MAX_WINDOW = 256
"""The longest window to compute this way, as many short segments cost a merge for each of its panes."""

FEW = 12
"""Up to this number of windows it is faster to compute them one by one."""

FEW_BOUNDARIES = 10
"""So it is up to this number of boundaries, where as many windows as each has panes count as one boundary more: one by
one, a boundary costs a merge for each pane, and a window one; all at once, each pane costs many calls of numpy."""

CHUNK = 8192
"""The number of windows to compute at once, so that their partial results stay in the processor's cache."""

CHUNK_BOUNDARIES = 2048
"""The number of boundaries to compute at once, for the same reason."""


class Rolled(NamedTuple):
    """The results of a rolling reduction.

    Attributes:
        results: one for each window.
        odd: the segments that only the row engine can compute; None if there are none.
    """

    results: Column
    odd: Mask | None = None


@dataclass(frozen=True)
class Rolling:
    """The windows that close in a batch.

    Attributes:
        slices: the windows.
        segments: the segments of the batch's items.
        counts: for each segment, the number of items before the batch.
        removed: items that close a window that is removed, so that it does not count.
    """

    slices: Slices
    segments: Segments
    counts: Array
    removed: Array | None = None

    @cached_property
    def kept(self) -> Array:
        """The number of earlier items that the windows of each segment may need."""
        return np.minimum(self.counts, self.slices.window - 1)

    @cached_property
    def closing(self) -> Array:
        """The items that close a window that is not removed, as indexes in the batch."""
        positions = self.counts[self.segments.segment_of] + self.segments.ranks
        closes = self.slices.closes(positions)
        if self.removed is not None:
            closes[self.removed] = False
        return np.flatnonzero(closes)

    def extend(self, history: Column, items: Column) -> Column:
        """Return the items of each segment, after those that its windows may need.

        Args:
            history: the last `window - 1` items of each segment in a row, oldest first: `[segments, window - 1]`. If
                there are fewer, the row ends with them.
            items: the items of the batch.
        """
        values = self._extend(history.values, items.values)
        if history.missing is None and items.missing is None:
            return Column(values)
        missing = [
            np.zeros(column.values.shape, np.bool_) if column.missing is None else column.missing
            for column in (history, items)
        ]
        return Column(values, self._extend(*missing))

    def roll(self, fold: ColumnFold, items: Column) -> Rolled:
        """Return the results of the windows at `closing`, for items that `extend` has returned."""
        with np.errstate(all="ignore"):
            return self._roll(fold, fold.read(items))

    def _roll(self, fold: ColumnFold, reading: Reading) -> Rolled:
        windows = len(self.closing)
        if not windows:
            return Rolled(fold.result(fold.zero(0)))
        if isinstance(fold, ObjectFold):
            return self._one_by_one(fold, reading)
        if windows <= FEW or windows / self.slices.panes + len(self._distinct) <= FEW_BOUNDARIES:
            partials = list(plain_windows(fold, plain_panes(fold, reading), self.starts, self._boundaries, self.slices))
            partial = fold.from_plain(partials)
            assert partial is not None  # noqa: S101  the values are not odd
        elif 2 * len(self._distinct) < windows:
            partial = self._by_boundary(fold, reading)
        else:
            partial = self._by_window(fold, reading)
        return Rolled(fold.result(broadcast(partial, windows)))

    @cached_property
    def _offsets(self) -> Array:
        """The number of earlier items that the windows of each segment and of those before it may need."""
        return np.cumsum(self.kept)

    @cached_property
    def starts(self) -> Array:
        """The index of the first item of each window."""
        return self.closing + self._offsets[self.segments.segment_of[self.closing]] - (self.slices.window - 1)

    @cached_property
    def _suffixes(self) -> Array:
        """The number of panes of each window before its boundary."""
        segment = self.segments.segment_of[self.closing]
        first = self.counts[segment] + self.segments.ranks[self.closing] - (self.slices.window - 1)
        suffixes: Array = self.slices.before_boundary(first)
        return suffixes

    @cached_property
    def _boundaries(self) -> Array:
        """The index of the first item after the boundary of each window."""
        boundaries: Array = self.starts + self._suffixes * self.slices.size
        return boundaries

    @cached_property
    def _distinct(self) -> Array:
        """The windows that are the first ones of their boundary."""
        return np.flatnonzero(np.diff(self._boundaries, prepend=-1))

    @cached_property
    def _used(self) -> tuple[Array, Array]:
        """The first items of all panes that windows merge, and for each item the number of its pane in this order."""
        is_first = np.zeros(int((self.kept + self.segments.lengths).sum()), np.bool_)
        for pane in range(self.slices.panes):
            is_first[self.starts + pane * self.slices.size] = True
        return np.flatnonzero(is_first), np.cumsum(is_first) - 1

    def _panes(self, fold: ColumnFold, reading: Reading) -> Callable[[Array], Arrays]:
        """Return the function from the first items of panes to their partial results.

        Windows share panes, so that each of them is computed once.
        """
        singles = fold.single(reading.values)
        if reading.given is not None:
            singles = choose(reading.given, singles, fold.zero(1))
        if self.slices.size == 1:
            return lambda first: part(singles, first)
        firsts, number = self._used
        partials = added_panes(fold, reading, part(singles, firsts), firsts, self.slices.size)
        return lambda first: part(partials, number[first])

    def _extend(self, history: Array, items: Array) -> Array:
        lengths = self.kept + self.segments.lengths
        total = int(lengths.sum())
        if len(lengths) == len(items) and bool((self.kept == self.slices.window - 1).all()):
            return np.column_stack((history, items)).reshape(-1)
        extended = np.empty(total, items.dtype)
        new = np.arange(len(items)) + self._offsets[self.segments.segment_of]
        is_old = np.ones(total, np.bool_)
        is_old[new] = False
        extended[new] = items
        width = self.slices.window - 1
        extended[is_old] = history[np.arange(width) >= width - self.kept[:, None]]
        return extended

    def _one_by_one(self, fold: ColumnFold, reading: Reading) -> Rolled:
        """Compute with functions of the row engine that may raise: the segment is then left to the row engine."""
        odd = np.zeros(len(self.segments.lengths), np.bool_)
        segment_of = self.segments.segment_of[self.closing]
        results: list[Any] = []
        result, pane = fold.reduction.result, plain_panes(fold, reading)
        for segment, windows in _runs(segment_of):
            try:
                partials = plain_windows(fold, pane, self.starts[windows], self._boundaries[windows], self.slices)
                results += [result(partial) if result else partial for partial in partials]
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001  the values are a user's
                odd[segment] = True
                del results[windows.start :]
                results += [None] * (windows.stop - windows.start)
        return Rolled(column_of(results), odd if odd.any() else None)

    def _by_window(self, fold: ColumnFold, reading: Reading) -> Arrays:
        """Compute all windows at once, sorted by their number of panes before the boundary."""
        order = np.argsort(self._suffixes.astype(np.int16), kind="stable")
        chunks = [order[at : at + CHUNK] for at in range(0, len(order), CHUNK)]
        pane = self._panes(fold, reading)
        parts = [self._chunk(fold, pane, chunk) for chunk in chunks]
        sorted_ = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        partial = tuple(np.empty_like(array) for array in sorted_)
        for array, values in zip(partial, sorted_, strict=True):
            array[order] = values
        return partial

    def _chunk(self, fold: ColumnFold, pane: Callable[[Array], Arrays], chunk: Array) -> Arrays:
        suffixes, boundaries = self._suffixes[chunk], self._boundaries[chunk]
        size, panes, count = self.slices.size, self.slices.panes, len(chunk)
        longer = np.searchsorted(suffixes, panes - np.arange(panes), side="left").tolist()
        prefix = merge_panes(
            [slice(0, active) for active in longer if active],
            lambda step, at: pane(boundaries[at] + step * size),
            fold.merge,
            count,
        )
        begin = np.searchsorted(suffixes, np.arange(panes), side="right").tolist()
        active = [slice(first, count) for first in begin if first < count]
        if not active:
            return broadcast(prefix, count)
        suffix = merge_panes(
            active,
            lambda step, at: pane(boundaries[at] - (step + 1) * size),
            lambda kept, earlier: fold.merge(earlier, kept),
            count,
        )
        merged = broadcast(fold.merge(part(suffix, active[0]), part(prefix, active[0])), count - active[0].start)
        whole = broadcast(part(prefix, slice(0, active[0].start)), active[0].start)
        return tuple(np.concatenate(pair) for pair in zip(whole, merged, strict=True))

    @cached_property
    def _grids(self) -> list[tuple[Array, Array]]:
        """The first items of the panes around the boundaries, and the place of each window, some boundaries at a time.

        The panes are `[panes, boundaries]`; those beyond the items have no meaning. The place of a window is that in
        what `boundary_merges` returns.
        """
        size, last = self.slices.size, int((self.kept + self.segments.lengths).sum()) - self.slices.size
        offsets = np.arange(-self._before, self.slices.panes)[:, np.newaxis] * size
        bounds = np.append(self._distinct, len(self.closing))
        grids = []
        for at in range(0, len(self._distinct), CHUNK_BOUNDARIES):
            ends = bounds[at : at + CHUNK_BOUNDARIES + 1]
            column = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
            place = (self._before - self._suffixes[ends[0] : ends[-1]]) * (len(ends) - 1) + column
            grids.append((np.clip(self._boundaries[ends[:-1]] + offsets, 0, last), place))
        return grids

    @cached_property
    def _before(self) -> int:
        """The largest number of panes before a boundary that a window needs."""
        return int(self._suffixes.max())

    def _by_boundary(self, fold: ColumnFold, reading: Reading) -> Arrays:
        """Compute the merges before and after each boundary, and then all windows."""
        panes = self._panes(fold, reading)
        parts = []
        for first, place in self._grids:
            merges = boundary_merges(fold, panes(first), first.shape, self._before)
            parts.append(tuple(array.ravel()[place] for array in merges))
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _runs(sorted_: Array) -> Iterator[tuple[int, slice]]:
    """Yield each distinct value and the slice of its places."""
    firsts = np.flatnonzero(np.diff(sorted_, prepend=-1))
    for first, end in zip(firsts.tolist(), [*firsts[1:].tolist(), len(sorted_)], strict=True):
        yield int(sorted_[first]), slice(first, end)
