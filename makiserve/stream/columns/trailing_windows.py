"""Trailing windows in columns: which items the window of each item contains, and merges of their partial results.

The order of the merges is that of the row engine (`stream/data/trailing.py`): a window is cut at the multiple of its
length that it contains; buckets are between these multiples. Items before the cut are merged from the right, those
after it from the left.

The items of a group that the windows of a batch may contain are in order of time. A late item is not in the windows of
items that came before it. So a segment with late items is several parts, one for each run of items in order of time:
its items, and all that came before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask, join
from makiserve.stream.columns.event_times import latest_times
from makiserve.stream.columns.segments import Segments, first_after, ranges
from makiserve.stream.data.trailing_bounds import TrailingBounds


@dataclass(frozen=True)
class Kept:
    """The items of each segment: those that are kept from earlier batches, and then the new ones.

    Attributes:
        bounds: which times a window contains.
        segments: the new items.
        counts: the number of kept items of each segment.
        kept: the times of the kept items, ascending in each segment.
        times: the times of the new items.
    """

    bounds: TrailingBounds
    segments: Segments
    counts: Array
    kept: Array
    times: Array

    @cached_property
    def starts(self) -> Array:
        """The index of the first item of each segment."""
        starts: Array = self.segments.starts + np.cumsum(self.counts) - self.counts
        return starts

    @cached_property
    def new(self) -> Array:
        """The index of each new item."""
        new: Array = np.arange(len(self.times)) + np.cumsum(self.counts)[self.segments.segment_of]
        return new

    @cached_property
    def newest(self) -> Array:
        """The latest time of its segment at each new item."""
        is_known = self.counts > 0
        if not is_known.any():
            return latest_times(self.times, self.segments, np.zeros_like(self.counts), is_known)
        latest = self.kept[np.maximum(np.cumsum(self.counts) - 1, 0)]
        return latest_times(self.times, self.segments, latest, is_known)

    @cached_property
    def is_alone(self) -> Mask:
        """A mask of the new items that are in no window but their own and are not kept, because they are too late."""
        alone: Mask = self.times <= self.newest - self.bounds.reach_ms
        return alone

    @cached_property
    def all_times(self) -> Array:
        """The time of each item."""
        return self.extend(Column(self.kept), Column(self.times)).values

    def extend(self, kept: Column, new: Column) -> Column:
        """Return values of all items, given those of the kept and of the new ones."""
        if not len(kept):
            return new
        order = np.empty(len(kept) + len(new), np.int64)
        is_new = np.zeros(len(order), np.bool_)
        is_new[self.new] = True
        order[is_new] = len(kept) + np.arange(len(new))
        order[~is_new] = np.arange(len(kept))
        column = join([kept, new]).take(order)
        assert isinstance(column, Column)  # noqa: S101  of two columns
        return column


class Runs(NamedTuple):
    """New items of a segment in order of time, which are computed together with all items before them.

    Attributes:
        segments: the segment of each run.
        first: the index of its first item among those of `Kept`.
        lengths: the number of its items.
        of: the run of each new item; items that are alone have one each.
    """

    segments: Array
    first: Array
    lengths: Array
    of: Array


def runs(items: Kept) -> Runs:
    """Return the runs of all segments; those of items that are alone come last."""
    segment, alone = items.segments.segment_of, items.is_alone
    rest = np.flatnonzero(~alone)
    begins = np.diff(segment[rest], prepend=-1) != 0
    begins[1:] |= np.diff(items.times[rest]) < 0
    number = np.cumsum(begins) - 1
    last = rest[np.flatnonzero(np.append(begins[1:], True))] if len(rest) else rest
    single = np.flatnonzero(alone)
    of = np.empty(len(alone), np.int64)
    of[rest] = number
    of[single] = len(last) + np.arange(len(single))
    segments = np.concatenate((segment[last], segment[single]))
    first = np.concatenate((items.starts[segment[last]], items.new[single]))
    ends = np.concatenate((items.new[last], items.new[single])) + 1
    return Runs(segments, first, ends - first, of)


class Windows(NamedTuple):
    """The windows of the new items of a batch.

    Attributes:
        source: the items that the windows contain, as indexes among those of `Kept`; those of each run together, in
            order of time. An item of several runs is there several times.
        times: their times.
        run: their runs.
        first: for each window the index of its first item in `source`.
        cut: that of the first item after its cut.
        last: that of its last item; it is before `first` if a window is empty.
        kept: which items are kept for later batches.
    """

    source: Array
    times: Array
    run: Array
    first: Array
    cut: Array
    last: Array
    kept: Mask


def windows(items: Kept, parts: Runs) -> Windows:
    """Return the windows of the new items."""
    source = ranges(parts.first, parts.lengths)
    run = np.repeat(np.arange(len(parts.lengths)), parts.lengths)
    place = np.cumsum(parts.lengths)[parts.of] - parts.lengths[parts.of] + items.new - parts.first[parts.of]
    count = len(parts.lengths) - int(items.is_alone.sum())
    if items.is_alone.any():
        is_alone = np.zeros(len(items.all_times), np.bool_)
        is_alone[items.new[items.is_alone]] = True
        inside = ~is_alone[source] | (run >= count)
        source, run, place = source[inside], run[inside], (np.cumsum(inside) - 1)[place]
    times = items.all_times[source]
    order = _order(times, run)
    if order is not None:
        source, times = source[order], times[order]
        moved = np.empty_like(order)
        moved[order] = np.arange(len(order))
        place = moved[place]
    begins = np.searchsorted(run, parts.of)
    begins[items.is_alone] = place[items.is_alone]
    bounds, ends = items.bounds, items.times - items.bounds.gap_ms
    first = first_after(times, begins, place, items.newest - bounds.reach_ms)
    cut = first_after(times, begins, place, ends // bounds.length_ms * bounds.length_ms - 1)
    last = place if bounds.has_item else first_after(times, begins, place, ends) - 1
    is_last = np.zeros(len(parts.lengths), np.bool_)
    is_last[:count] = np.diff(parts.segments[:count], append=-1) != 0
    newest = items.newest[items.segments.starts + items.segments.lengths - 1]
    horizon = newest[parts.segments] - bounds.reach_ms
    return Windows(source, times, run, first, cut, last, is_last[run] & (times > horizon[run]))


def _order(times: Array, run: Array) -> Array | None:
    """Return the order of time of the items of each run; None if they are in order."""
    falls = np.flatnonzero((times[1:] < times[:-1]) & (run[1:] == run[:-1]))
    if not len(falls):
        return None
    is_unordered = np.zeros(int(run[-1]) + 1, np.bool_)
    is_unordered[run[falls]] = True
    some = np.flatnonzero(is_unordered[run])
    order = np.arange(len(times))
    order[some] = some[np.lexsort((times[some], run[some]))]
    return order
