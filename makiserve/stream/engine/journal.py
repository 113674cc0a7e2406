"""The undo journal: a record is a small transaction on state."""

from __future__ import annotations

from typing import Any


def restore(state: list[Any], slots: list[Any]) -> None:
    """Put remembered slots back."""
    state[:] = slots


class Journal(list[tuple[Any, ...]]):
    """What must be done to take back a record, as `(function, *arguments)` in the order of the writes.

    Slots hold immutable values, so a scope is taken back by one shallow copy made when a record enters it; a change
    inside a container is recorded as its inverse. Nothing is recorded where no failure can follow a write.
    """

    def roll_back(self, to: int = 0) -> None:
        """Take back what was recorded, newest first, until `to` entries are left."""
        while len(self) > to:
            undo, *arguments = self.pop()
            undo(*arguments)
