"""How sliced windows are merged from panes: the order of the merges in the row engine (`stream/engine/panes.py`).

The row engine moves its back stack to the front stack at certain panes, the boundaries. A window is cut at the first
boundary that is not before its first pane: what comes before is merged from the right, pane by pane, what comes after
from the left, and then both. The first boundary is at the end of the first window, and the next ones follow at the same
distance: the largest multiple of the stride within a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Mask


@dataclass(frozen=True)
class Slices:
    """Windows of `window` items that open every `stride` items, in panes of `size` items.

    Attributes:
        pane: the number of items of a pane; None for the largest that divides window and stride.
    """

    window: int
    stride: int
    pane: int | None = None

    @cached_property
    def size(self) -> int:
        """The number of items of a pane."""
        return self.pane or gcd(self.window, self.stride)

    @cached_property
    def without_gaps(self) -> Slices:
        """The same windows over a stream without the items between windows."""
        return Slices(self.window, self.window, self.size) if self.stride > self.window else self

    def count_without_gaps(self, count: Any) -> Any:
        """Return how many of the first `count` items belong to a window."""
        if self.stride <= self.window:
            return count
        return count // self.stride * self.window + np.minimum(count % self.stride, self.window)

    @cached_property
    def panes(self) -> int:
        """The number of panes of a window."""
        return self.window // self.size

    def closes(self, positions: Array) -> Mask:
        """Return whether a window closes with the item at each position, counted from 0."""
        after = positions + 1 - self.window
        closes: Mask = (after >= 0) & (after % self.stride == 0)
        return closes

    def is_open(self, position: Any) -> Any:
        """Return whether the item at a position, counted from 0, or at each position, belongs to a window."""
        return self.stride <= self.window or position % self.stride < self.window

    def before_boundary(self, first: Any) -> Any:
        """Return how many panes there are before the boundary in the window that begins with this item, or items."""
        if self.stride >= self.window:  # windows do not overlap: each begins at a boundary
            return first * 0
        block = (self.window - self.window % self.stride) // self.size
        pane = first // self.size
        return (pane > 0) * ((self.panes - pane) % block)

    def first_open(self, count: Any) -> Any:
        """Return the position of the first item of the window that closes next, after `count` items."""
        closed = np.where(count < self.window, 0, (count - self.window) // self.stride + 1)
        return closed * self.stride
