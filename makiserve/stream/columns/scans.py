"""Merges of partial results one after the other, in many sequences at once."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, broadcast, part


class Scan(NamedTuple):
    """Items to merge one after the other.

    Attributes:
        items: their indexes; those that are merged together follow one another.
        lengths: how many of them are merged together.
        at: for each merge that is needed, the index in `items` of the last one that it contains.
        is_backward: whether each item is before those that have been merged already.
    """

    items: Array
    lengths: Array
    at: Array
    is_backward: bool


def merged(fold: ColumnFold, single: Arrays, scan: Scan) -> Arrays:
    """Return the merges that `scan` names.

    Many short sequences are merged in rounds: the second item of each, then the third, and so on. Few long ones are
    merged one after the other, with the row engine's numbers.

    Args:
        fold: the reduction.
        single: the partial result of each item.
        scan: the items.
    """
    single, order = part(single, scan.items), np.argsort(-scan.lengths, kind="stable")
    starts, lengths = (np.cumsum(scan.lengths) - scan.lengths)[order], scan.lengths[order]
    active = np.searchsorted(-lengths, -np.arange(lengths[0] + 1), side="left").tolist()  # with more than n items
    after = tuple(array.copy() for array in single)
    current, index = part(single, starts), 1
    while active[index] and active[index] >= fold.few:
        count = active[index]
        at = starts[:count] + index
        pair = tuple(array[:count] for array in current), part(single, at)
        current = broadcast(fold.merge(*(pair[::-1] if scan.is_backward else pair)), count)
        for written, array in zip(after, current, strict=True):
            written[at] = array
        index += 1
    for number in range(active[index]):
        rest = slice(int(starts[number]) + index - 1, int(starts[number] + lengths[number]))
        chained = _chained(fold, tuple(array[rest] for array in after), is_backward=scan.is_backward)
        for written, array in zip(after, chained, strict=True):
            written[rest] = array
    return part(after, scan.at)


def _chained(fold: ColumnFold, partials: Arrays, *, is_backward: bool) -> Arrays:
    """Return the merges of all partial results up to each one."""
    merge = fold.reduction.merge
    plain = accumulate(fold.plain(partials), (lambda kept, earlier: merge(earlier, kept)) if is_backward else merge)
    chained = fold.from_plain(list(plain))
    assert chained is not None  # noqa: S101  the values are not odd
    return chained
