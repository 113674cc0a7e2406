"""Merges of partial results one after the other, in many sequences at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from makiserve.stream.columns.column import Array
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, broadcast
from makiserve.stream.columns.segments import Segments


@dataclass(frozen=True)
class Sequences:
    """Sequences of items to merge one after the other, and the merges that are needed.

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

    @cached_property
    def counts(self) -> list[int]:
        """The number of sequences with more than n items, for each n; the last one is 0."""
        longest = int(self.lengths.max())
        ascending = np.sort(self.lengths)
        counts = len(ascending) - np.searchsorted(ascending, np.arange(longest + 1), side="right")
        listed: list[int] = counts.tolist()
        return listed

    @cached_property
    def starts(self) -> list[int]:
        """The place of the first of all n-th items in the order of the rounds, for each n."""
        starts: list[int] = (np.cumsum(self.counts) - self.counts).tolist()
        return starts

    @cached_property
    def places(self) -> Array:
        """The place of each item in the order of the rounds: all first items, then all second ones, and so on."""
        segments = Segments(self.lengths)
        rank_of = np.empty(len(self.lengths), np.int64)
        rank_of[np.argsort(-self.lengths, kind="stable")] = np.arange(len(self.lengths))
        places: Array = np.array(self.starts)[segments.ranks] + rank_of[segments.segment_of]
        return places

    @cached_property
    def rounds(self) -> Array:
        """The items in the order of the rounds."""
        rounds = np.empty_like(self.items)
        rounds[self.places] = self.items
        return rounds

    @cached_property
    def needed(self) -> Array:
        """The place of each merge that is needed."""
        needed: Array = self.places[self.at]
        return needed


def merged(fold: ColumnFold, single: Arrays, sequences: Sequences) -> Arrays:
    """Return the merges that are needed.

    Many short sequences are merged in rounds: the second item of each, then the third, and so on. Few sequences with
    many items left are merged one after the other, with the row engine's numbers.

    Args:
        fold: the reduction.
        single: the partial result of each item; the arrays have the same length.
        sequences: the items, and which merges are needed.
    """
    partial = tuple(array[sequences.rounds] for array in single)
    counts, starts, index = sequences.counts, sequences.starts, 1
    while counts[index] and (counts[index] >= fold.few or counts[index] >= len(counts) - index):
        count = counts[index]
        before, here = (slice(start, start + count) for start in (starts[index - 1], starts[index]))
        pair = tuple(array[before] for array in partial), tuple(array[here] for array in partial)
        merges = broadcast(fold.merge(*(pair[::-1] if sequences.is_backward else pair)), count)
        for written, array in zip(partial, merges, strict=True):
            written[here] = array
        index += 1
    for number in range(counts[index]):
        rest = np.array([start for start, count in zip(starts, counts, strict=True) if count > number][index - 1 :])
        chained = _chained(fold, tuple(array[rest + number] for array in partial), is_backward=sequences.is_backward)
        for written, array in zip(partial, chained, strict=True):
            written[rest + number] = array
    return tuple(array[sequences.needed] for array in partial)


def _chained(fold: ColumnFold, partials: Arrays, *, is_backward: bool) -> Arrays:
    """Return the merges of all partial results up to each one."""
    merge = fold.reduction.merge
    plain = accumulate(fold.plain(partials), (lambda kept, earlier: merge(earlier, kept)) if is_backward else merge)
    chained = fold.from_plain(list(plain))
    assert chained is not None  # noqa: S101  the values are not odd
    return chained
