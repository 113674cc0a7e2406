"""Histories: the last items of each group, and the item a number of items before each one.

A history is a row of a two-dimensional array that ends with the latest item; a group with fewer items fills the end
of its row. A group has seen the items of its history, which earlier batches left, and then those of its segment.
"""

from __future__ import annotations

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.segments import Segments


def advance(held: Array, values: Array, segments: Segments) -> Array:
    """Return the histories after a batch.

    Args:
        held: the history of each segment's group.
        values: the items of the batch.
        segments: their segments.
    """
    size = held.shape[1]
    if len(values) == len(held):  # the common case for many groups: one item each
        return np.concatenate((held[:, 1:], values[:, np.newaxis]), axis=1)
    ends = segments.starts + segments.lengths
    source = ends[:, np.newaxis] - size + np.arange(size)  # where the item would be if the segment were long enough
    is_new = source >= segments.starts[:, np.newaxis]
    earlier = np.minimum(np.arange(size) + segments.lengths[:, np.newaxis], size - 1)
    old = np.take_along_axis(held, earlier, axis=1)
    after: Array = np.where(is_new, values[np.maximum(source, 0)], old)
    return after


def earlier(held: Array, counts: Array, values: Array, segments: Segments, size: int) -> Array:
    """Return for each item of a batch the value `size` items before; the first of its group while there are fewer.

    Args:
        held: the history of each segment's group, with room for at least `size` items.
        counts: the number of items that each group has seen.
        values: the items of the batch.
        segments: their segments.
        size: how many items back.
    """
    segment, kept = segments.segment_of, np.minimum(counts, held.shape[1])
    back = np.minimum(segments.ranks + kept[segment], size)
    source = np.arange(len(values)) - back
    is_new = back <= segments.ranks
    new = values[np.maximum(source, 0)]
    if is_new.all():
        return np.asarray(new)
    old = held[segment, np.minimum(held.shape[1] + segments.ranks - back, held.shape[1] - 1)]
    chosen: Array = np.where(is_new, new, old)
    return chosen
