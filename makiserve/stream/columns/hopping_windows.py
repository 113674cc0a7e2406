"""Windows that begin at fixed times, in columns: panes and their items, and the panes of the windows that close.

As in the row engine (`stream/data/hopping.py`), an item belongs to one pane, and a window merges its panes as they are
when it closes: at the first item of its group whose time is late enough, before that item is added to its own pane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from makiserve.stream.columns.column import Array, Mask
from makiserve.stream.columns.segments import Segments, first_after, ranges
from makiserve.stream.columns.spans import HoppingSpans


@dataclass(frozen=True)
class Panes:
    """The panes of the groups of a batch, those of each segment together, with ascending numbers.

    Attributes:
        segment: the segment of each pane.
        number: its number.
        kept: its index among the kept panes; -1 if it is new.
        items: the new items, those of each pane together, in the order in which they came: indexes among the items
            that are added.
        lengths: the number of new items of each pane.
        at: the index of each of these items in the batch.
    """

    segment: Array
    number: Array
    kept: Array
    items: Array
    lengths: Array
    at: Array

    @property
    def ends(self) -> Array:
        """The end of the items of each pane."""
        ends: Array = np.cumsum(self.lengths)
        return ends


def panes(kept: tuple[Array, Array], added: tuple[Array, Array], at: Array) -> Panes:
    """Return the panes that are kept from earlier batches, or have new items.

    Args:
        kept: segments and numbers of the kept panes.
        added: those of the panes of the items that are added.
        at: the index of each of these items in the batch.
    """
    segment, number = (np.concatenate(pair) for pair in zip(kept, added, strict=True))
    order = np.lexsort((number, segment))
    segment, number, count = segment[order], number[order], len(kept[0])
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (segment[1:] != segment[:-1]) | (number[1:] != number[:-1])
    first, is_new = np.flatnonzero(begins), order >= count
    items = order[is_new] - count
    lengths = np.bincount((np.cumsum(begins) - 1)[is_new], minlength=len(first))
    kept_at = np.where(is_new[first], -1, order[first])  # a kept pane sorts before its new items
    return Panes(segment[first], number[first], kept_at, items, lengths, at[items])


class Closing(NamedTuple):
    """The windows that close in a batch, those of each segment together, in the order of their numbers.

    Attributes:
        number: the number of each window.
        at: the item that closes it.
        lengths: the number of its panes.
        partials: their partial results, in order: an index among those of all panes before the batch, which are
            followed by those after each of `Panes.items`.
        first: the first pane of each window.
    """

    number: Array
    at: Array
    lengths: Array
    partials: Array
    first: Array


def closing(batch_panes: Panes, spans: HoppingSpans, segments: Segments, before: Array, closed: Array) -> Closing:
    """Return the windows that close.

    Args:
        batch_panes: those of the batch.
        spans: the bounds of the windows.
        segments: those of the batch.
        before: for each segment the last window that is closed before the batch.
        closed: for each item the last window that is closed once it has come.
    """
    starts, ends = segments.starts, segments.starts + segments.lengths - 1
    first = np.maximum(-((spans.size - 1 - batch_panes.number) // spans.step), before[batch_panes.segment] + 1)
    last = np.minimum(batch_panes.number // spans.step, closed[ends[batch_panes.segment]])
    counts = np.maximum(last - first + 1, 0)
    pane, number = np.repeat(np.arange(len(counts)), counts), ranges(first, counts)
    order = np.lexsort((number, batch_panes.segment[pane]))
    pane, number = pane[order], number[order]
    segment = batch_panes.segment[pane]
    at = first_after(closed, starts[segment], ends[segment], number - 1)
    begins = batch_panes.ends[pane] - batch_panes.lengths[pane]
    added = first_after(batch_panes.at, begins, batch_panes.ends[pane], at - 1) - begins
    partial = np.where(added > 0, len(counts) + begins + added - 1, pane)
    exists = (added > 0) | (batch_panes.kept[pane] >= 0)
    pane, number, segment, at, partial = (array[exists] for array in (pane, number, segment, at, partial))
    is_first = _changes(number, segment)
    lengths = np.diff(np.flatnonzero(is_first), append=len(number))
    return Closing(number[is_first], at[is_first], lengths, partial, pane[is_first])


def _changes(number: Array, segment: Array) -> Mask:
    """Return whether each window differs from the one before it."""
    changes = np.ones(len(number), np.bool_)
    changes[1:] = (number[1:] != number[:-1]) | (segment[1:] != segment[:-1])
    return changes
