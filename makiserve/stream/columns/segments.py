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
        """Return the same number of segments, each with one item."""
        return Segments(np.ones_like(self.lengths))

    def __len__(self) -> int:
        return int(self.lengths.sum())

    def take(self, kept: Mask) -> tuple[Segments, Array]:
        """Return the segments of the items where `kept` is true, and the indexes of the segments that are not empty."""
        lengths = np.bincount(self.segment_of[kept], minlength=len(self.lengths))
        left = np.flatnonzero(lengths)
        return Segments(lengths[left]), left
