"""A flow: the items of a batch at one point of a pipeline, with the groups and the records that they belong to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from makiserve.stream.columns.column import Array, Items, Mask
from makiserve.stream.columns.segments import Segments


@dataclass(frozen=True, slots=True)
class Flow:
    """The items of a batch at one point of a pipeline.

    Attributes:
        items: the items, those of each group together.
        at: for each item the index in the batch of the record that caused it. In a segment it never decreases; items
            that one record has caused are in the order in which they were emitted.
        segments: the items of each group.
        rows: for each segment the row of the scope's table that holds the group's state, ascending.
    """

    items: Items
    at: Array
    segments: Segments
    rows: Array

    def __len__(self) -> int:
        return len(self.at)

    def with_items(self, items: Items) -> Flow:
        """Return this flow with other items."""
        return replace(self, items=items)

    def emitted(self, causes: Array, items: Items) -> Flow:
        """Return items that were emitted in order; `causes` has for each of them the item that caused it."""
        lengths = np.bincount(self.segments.segment_of[causes], minlength=len(self.segments.lengths))
        left = np.flatnonzero(lengths)
        return Flow(items, self.at[causes], Segments(lengths[left]), self.rows[left])

    def where(self, kept: Mask, items: Items | None = None) -> Flow:
        """Return the items where `kept` is true; `items`, if given, are what takes their place."""
        segments, left = self.segments.take(kept)
        return Flow(self.items.take(kept) if items is None else items, self.at[kept], segments, self.rows[left])


def lane_flow(items: Items, at: Array) -> Flow:
    """Return the items of a lane, whose scope has one row."""
    lengths = np.array([len(at)] if len(at) else [], np.int64)
    return Flow(items, at, Segments(lengths), np.zeros(len(lengths), np.int64))
