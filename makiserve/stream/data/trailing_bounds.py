"""Which times a trailing window contains."""

from __future__ import annotations

from typing import Literal, NamedTuple

Closed = Literal["right", "left", "both", "neither"]


class TrailingBounds(NamedTuple):
    """Which times the window of an item contains; times are whole milliseconds.

    Attributes:
        window_ms: how far back it goes.
        closed: which of its ends it contains.
    """

    window_ms: int
    closed: Closed = "right"

    @property
    def has_item(self) -> bool:
        """Return whether a window contains its item."""
        return self.closed in ("right", "both")

    @property
    def gap_ms(self) -> int:
        """The time between an item and the last millisecond of its window."""
        return 0 if self.has_item else 1

    @property
    def length_ms(self) -> int:
        """The number of milliseconds in a window."""
        return self.window_ms + (self.closed in ("left", "both")) - self.gap_ms

    @property
    def reach_ms(self) -> int:
        """The time between an item and the first millisecond that its window no longer contains."""
        return self.gap_ms + self.length_ms
