"""Shifts: for each item the one some items before it, for `lag`, `pairwise` and `delta`."""

from __future__ import annotations

import numpy as np

from makiserve.stream.columns.column import Array, Items, join
from makiserve.stream.columns.segments import Segments


def shift(items: Items, segments: Segments, history: Items, counts: Array, size: int) -> Items:
    """Return for each item the one `size` items before it in its segment; while there are fewer, the first one.

    Args:
        items: the items of the batch.
        segments: their segments.
        history: the last `size` items of each segment before the batch, row by row, oldest first; a segment with fewer
            has them at the end of its row.
        counts: for each segment, the number of items before the batch.
        size: at least 1.
    """
    kept = np.minimum(counts, size)[segments.segment_of]
    earlier = np.maximum(segments.ranks - size, -kept)
    in_history = (segments.segment_of + 1) * size + earlier
    in_batch = len(history) + segments.starts[segments.segment_of] + earlier
    return join([history, items]).take(np.where(earlier < 0, in_history, in_batch))


def last(items: Items, segments: Segments, history: Items, size: int) -> Items:
    """Return the last `size` items of each segment, row by row: the history of the next batch."""
    ranks = np.arange(size) + segments.lengths[:, None] - size
    in_history = np.arange(len(segments.lengths))[:, None] * size + size + ranks
    in_batch = len(history) + segments.starts[:, None] + ranks
    return join([history, items]).take(np.where(ranks < 0, in_history, in_batch).reshape(-1))
