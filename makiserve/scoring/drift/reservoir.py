"""A uniform random sample of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.items import taken

SEED = 0


class Reservoir:
    """A uniform random sample of the rows of a stream, without replacement.

    Each row draws a random number, and the rows with the smallest numbers are kept (bottom-k sampling). The numbers
    come from a seeded generator, one for each row, so the sample depends on the rows and their order, never on how they
    are split into batches. Unlike with every n-th row, a pattern in the stream cannot alias with the sample.

    Args:
        size: the number of rows to keep.

    Attributes:
        offered: the number of rows offered.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._random = np.random.default_rng(SEED)
        self.clear()

    def clear(self) -> None:
        """Start a new sample, with new random numbers."""
        self.offered = 0
        self._bound = 1.0
        self._drawn: list[float] = []
        self._kept: list[tuple[Any, ...]] = []

    def add(self, *columns: Sequence[Any]) -> None:
        """Offer the rows of columns of the same length."""
        drawn = self._random.random(len(columns[0]))
        chosen = np.flatnonzero(drawn < self._bound).tolist()
        self._drawn += drawn[chosen].tolist()
        self._kept += zip(*(taken(column, chosen) for column in columns), strict=True)
        self.offered += len(drawn)
        if len(self._kept) > 2 * self._size:
            self._prune()

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The sample, in the order of the stream."""
        if len(self._kept) > self._size:
            self._prune()
        return self._kept

    def _prune(self) -> None:
        """Keep the rows with the smallest numbers."""
        drawn = np.array(self._drawn)
        kept = np.sort(np.argpartition(drawn, self._size)[: self._size])
        self._bound = float(drawn[kept].max())
        self._drawn = drawn[kept].tolist()
        self._kept = [self._kept[index] for index in kept.tolist()]
