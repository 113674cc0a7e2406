"""Values that become known later: their times, the item at which each becomes visible, and the latest one there.

The values of a batch are in the order of their items; each belongs to a segment. See `steps/as_of.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, Mask
from makiserve.stream.columns.segments import Segments
from makiserve.stream.columns.time_column import TimeColumn
from makiserve.stream.data.as_of import LARGEST, instant

BEYOND = np.iinfo(np.int64).max


class Instants(NamedTuple):
    """Times as numbers.

    Attributes:
        numbers: `float64[items]`; without meaning for items that have no time.
        is_absent: where they are None.
        is_datetime: where they are datetimes.
        is_odd: where they are not times.
        is_large: where a float cannot hold them.
    """

    numbers: Array
    is_absent: Mask
    is_datetime: Mask
    is_odd: Mask
    is_large: Mask


def instants_of(given: Items) -> Instants:
    """Return what a function has returned as times."""
    if isinstance(given, TimeColumn):
        return _of_array(given.source.us, given.source.absent, is_datetime=True)
    if isinstance(given, Column) and given.values.dtype != object:
        return _of_array(given.values, given.missing, is_datetime=False)
    items, numbers = given.items(), np.zeros(len(given))
    is_absent, is_datetime, is_odd, is_large = np.zeros((4, len(items)), np.bool_)
    for index, item in enumerate(items):
        if item is None:
            is_absent[index] = True
            continue
        try:
            time = instant(item)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  the value is a user's
            is_odd[index] = True
            continue
        is_datetime[index] = isinstance(item, datetime)
        if isinstance(time, float):
            numbers[index] = time
        else:
            is_large[index] = True
    return Instants(numbers, is_absent, is_datetime, is_odd, is_large)


def _of_array(values: Array, absent: Mask | None, *, is_datetime: bool) -> Instants:
    nothing = np.zeros(len(values), np.bool_)
    is_absent = nothing if absent is None else absent
    is_large = nothing
    if values.dtype == np.int64:
        is_large = ((values > LARGEST) | (values < -LARGEST)) & ~is_absent
    return Instants(
        values.astype(np.float64), is_absent, np.full(len(values), is_datetime), is_odd=nothing, is_large=is_large
    )


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
