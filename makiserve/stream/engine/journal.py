"""The undo journal: a record is a small transaction on state."""

from __future__ import annotations

from typing import Any


def restore(state: list[Any], slots: list[Any]) -> None:
    """Restore saved slots."""
    state[:] = slots


class Journal(list[tuple[Any, ...]]):
    """The calls that roll a record back, as `(function, *arguments)` in the order of the writes.

    Slots hold immutable values, so one shallow copy, made when a record enters a scope, is enough to roll it back. A
    change inside a container is recorded as its inverse. Nothing is recorded if no failure can follow a write.
    """

    def roll_back(self, to: int = 0) -> None:
        """Undo the recorded changes, newest first, until `to` entries are left."""
        while len(self) > to:
            undo, *arguments = self.pop()
            undo(*arguments)
