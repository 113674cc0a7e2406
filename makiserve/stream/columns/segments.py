"""Segments: the items of a batch, sorted so that those of each group are together, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from makiserve.stream.columns.column import Array, Mask


@dataclass(frozen=True)
class Segments:
    """The items of a batch, cut into one run for each group.

    Attributes:
        lengths: the number of items of each segment, at least 1 each; int64.
    """

    lengths: Array

    @cached_property
    def starts(self) -> Array:
        """The index of each segment's first item."""
        starts: Array = np.cumsum(self.lengths) - self.lengths
        return starts

    @cached_property
    def segment_of(self) -> Array:
        """The segment of each item."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def ranks(self) -> Array:
        """The position of each item in its segment, from 0."""
        ranks: Array = np.arange(len(self)) - self.starts[self.segment_of]
        return ranks

    @property
    def ones(self) -> Segments:
        """The same number of segments, each with one item."""
        return Segments(np.ones_like(self.lengths))

    def __len__(self) -> int:
        return int(self.lengths.sum())

    def take(self, kept: Mask) -> tuple[Segments, Array]:
        """Return the segments of the items where `kept` is true, and the indexes of the segments that are not empty."""
        lengths = np.bincount(self.segment_of[kept], minlength=len(self.lengths))
        left = np.flatnonzero(lengths)
        return Segments(lengths[left]), left


def stable_order(numbers: Array) -> Array:
    """Return the indexes that sort integers, none of them negative; equal ones keep their order.

    numpy sorts integers of 16 bits in a time that is linear in their number (radix sort), others by comparison.

    >>> stable_order(np.array([70_000, 1, 70_000, 0]))
    array([3, 1, 0, 2])
    """
    order = np.argsort(numbers.astype(np.uint16), kind="stable")  # by the lowest 16 bits
    largest = int(numbers.max(initial=0))
    for shift in range(16, largest.bit_length(), 16):
        order = order[np.argsort((numbers[order] >> shift).astype(np.uint16), kind="stable")]
    return order


def ranges(first: Array, lengths: Array) -> Array:
    """Return the integers from `first` on, as many as `lengths` has, one range after the other.

    >>> ranges(np.array([5, 0]), np.array([2, 3]))
    array([5, 6, 0, 1, 2])
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    indexes: Array = np.arange(total) + np.repeat(first - ends + lengths, lengths)
    return indexes


def first_after(numbers: Array, first: Array, last: Array, bounds: Array) -> Array:
    """Return the index of the first number above a bound, between two indexes; `last` if there is none before it.

    Args:
        numbers: ascending from each `first` to its `last`.
        first: where each search begins.
        last: where it ends.
        bounds: the bound of each search.
    """
    low, high = first.copy(), last.copy()
    while (low < high).any():
        middle = (low + high) // 2
        is_after = numbers[np.minimum(middle, len(numbers) - 1)] > bounds  # an empty search may be at the end
        high = np.where(is_after, middle, high)
        low = np.where(is_after, low, np.minimum(middle + 1, high))
    return low
