"""Merges of the panes of windows: one by one with the row engine's functions, and of many windows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading, broadcast, choose, part
from makiserve.stream.columns.slices import Slices


def added_panes(fold: ColumnFold, reading: Reading, partial: Arrays, first: Array, size: int) -> Arrays:
    """Return the partial results of panes of `size` items, given those of their first items."""
    for at in (first + offset for offset in range(1, size)):
        kept = broadcast(partial, len(at))
        partial = fold.add(kept, reading.values[at])
        if reading.given is not None:
            partial = choose(reading.given[at], partial, kept)
    return partial


def merge_panes(
    active: Sequence[slice], pane: Callable[[int, slice], Arrays], merge: Callable[[Arrays, Arrays], Arrays], count: int
) -> Arrays:
    """Return merges of several panes for each of `count` windows; `active[n]` are those that merge more than n panes.

    Each slice is a part of the one before it, at its beginning or at its end.
    """
    merged = pane(0, active[0])
    if all(at == active[0] for at in active) and active[0] == slice(0, count):
        for step in range(1, len(active)):
            merged = merge(merged, pane(step, active[step]))
        return merged
    written = tuple(np.empty(count, array.dtype) for array in merged)
    for step, at in enumerate(active):
        if step:
            before = active[step - 1]
            kept = slice(at.start - before.start, at.stop - before.start)
            merged = merge(part(merged, kept), pane(step, at))
        after = active[step + 1] if step + 1 < len(active) else slice(at.stop, at.stop)
        done = slice(after.stop, at.stop) if after.start == at.start else slice(at.start, after.start)
        inside = slice(done.start - at.start, done.stop - at.start)
        for array, values in zip(written, part(merged, inside), strict=True):
            array[done] = values
    return written


def boundary_merges(fold: ColumnFold, panes: Arrays, shape: tuple[int, ...], before: int) -> Arrays:
    """Return the windows around some boundaries: `[before + 1, boundaries]`, those that begin first in the first row.

    The merges take the places of the panes, each of which is contiguous: first those of the panes before a boundary,
    and those after it, then those of both.

    Args:
        fold: the reduction.
        panes: the panes before the boundaries, in order, and as many after them as a window has. They are changed.
        shape: their shape; an array of length 1 holds the same value for all.
        before: the number of panes before a boundary.
    """
    merges = tuple(np.broadcast_to(array, shape).copy() if array.ndim == 1 else array for array in panes)
    for rows in (range(before - 1, -1, -1), range(before, shape[0])):
        merged: Arrays = ()
        for row in rows:
            pane = tuple(array if array.ndim == 1 else array[row] for array in panes)
            pair = (pane, merged) if row < before else (merged, pane)
            merged = fold.merge(*pair) if merged else pane
            for written, array in zip(merges, merged, strict=True):
                written[row] = array
    first = shape[0] - before - 1
    if before:
        suffix, prefix = (tuple(array[at : at + before].ravel() for array in merges) for at in (0, first))
        for written, array in zip(merges, fold.merge(suffix, prefix), strict=True):
            written[first : first + before] = array.reshape(-1, shape[1])
    return tuple(array[first:] for array in merges)


def plain_windows(
    fold: ColumnFold, pane: Callable[[int, int], Any], starts: Array, boundaries: Array, slices: Slices
) -> Iterator[Any]:
    """Yield the row engine's partial result of each window; windows that share a boundary share its merges.

    Args:
        fold: the reduction.
        pane: what `plain_panes` has returned.
        starts: for each window the index of its first value.
        boundaries: for each window the index of the first value after its boundary.
        slices: the windows.
    """
    merge = fold.reduction.merge
    size, window = slices.size, slices.window
    boundary, before, after = -1, list[Any](), list[Any]()
    for start, cut in zip(starts.tolist(), boundaries.tolist(), strict=True):
        if cut != boundary:
            boundary, before, after = cut, [], []
        while len(before) * size < boundary - start:
            first = boundary - (len(before) + 1) * size
            reduced = pane(first, first + size)
            before.append(merge(reduced, before[-1]) if before else reduced)
        while len(after) * size < start + window - boundary:
            first = boundary + len(after) * size
            reduced = pane(first, first + size)
            after.append(merge(after[-1], reduced) if after else reduced)
        suffix, prefix = (boundary - start) // size, (start + window - boundary) // size
        yield merge(before[suffix - 1], after[prefix - 1]) if suffix else after[prefix - 1]
