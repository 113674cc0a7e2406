"""Values that become known later: at which item of a batch each becomes visible, and which is the latest one there.

The values of a batch are in the order of their items; each belongs to a segment. See `steps/as_of.py`.
"""

from __future__ import annotations

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.segments import Segments

BEYOND = np.iinfo(np.int64).max


def visible_at(times: Array, segments: Segments, segment_of: Array, first: Array, known_at: Array) -> Array:
    """Return the first item of its segment at which each value is visible; the end of the segment if there is none.

    Args:
        times: the time of each item.
        segments: the items.
        segment_of: the segment of each value.
        first: the item from which on it may be visible.
        known_at: the time from which on it is known.
    """
    levels = np.unique(times)
    step = len(levels) + 1
    keys = np.append(np.searchsorted(levels, times) + segments.segment_of * step, BEYOND)
    bounds = np.searchsorted(levels, known_at) + segment_of * step
    at: Array = np.maximum(np.searchsorted(np.maximum.accumulate(keys), bounds), first)
    is_late = keys[at] < bounds  # an earlier item had reached the time, and `first` has not
    if is_late.any():
        at[is_late] = _next_from(keys, at[is_late], bounds[is_late])
    return at


def _next_from(numbers: Array, first: Array, bounds: Array) -> Array:
    """Return the index of the first number that is not below a bound, from an index on; the last number is not."""
    largest = [numbers]  # of the following 1, 2, 4, … numbers
    while 2 ** len(largest) <= len(numbers):
        half = 2 ** (len(largest) - 1)
        largest.append(np.maximum(largest[-1][:-half], largest[-1][half:]))
    at = first.copy()
    for power in reversed(range(len(largest))):
        is_inside = at < len(largest[power])
        is_below = is_inside & (largest[power][np.where(is_inside, at, 0)] < bounds)
        at[is_below] += 2**power
    return at


def latest_visible(segments: Segments, at: Array, known_at: Array) -> Array:
    """Return for each item the visible value that became known last; of equal ones the last one; -1 if there is none.

    Args:
        segments: the items.
        at: the item at which each value becomes visible.
        known_at: the time from which on it is known.
    """
    order = np.argsort(known_at, kind="stable")
    best = np.zeros(len(segments), np.int64)
    best[at[order]] = np.arange(1, len(order) + 1)  # the last one of an item stays
    offsets = segments.segment_of * (len(order) + 1)
    best = np.maximum.accumulate(best + offsets) - offsets
    latest: Array = np.append(order, -1)[best - 1]
    return latest


def in_order(segment_of: Array, known_at: Array) -> Array:
    """Return values by segment and time; of those with equal times only the last one can ever be emitted."""
    order = np.lexsort((known_at, segment_of))
    by_segment, by_time = segment_of[order], known_at[order]
    is_last = np.append((by_segment[1:] != by_segment[:-1]) | (by_time[1:] != by_time[:-1]), True)
    ordered: Array = order[is_last[: len(order)]]
    return ordered
