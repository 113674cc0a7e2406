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

    def __init__(self) -> None:
        super().__init__()
        self._failed: tuple[Exception, Any] | None = None

    def fail_completion(self, error: Exception, key: Any) -> bool:
        """Record that a group could not complete; return whether it is the first one to report this error."""
        is_first = self._failed is None or self._failed[0] is not error
        if is_first:
            self._failed = error, key
        return is_first

    def take_failed_completion(self, error: Exception) -> str:
        """Return, for a message, which group an error prevented from completing, and forget it; empty if it is none."""
        failed, self._failed = self._failed, None
        if failed is None or failed[0] is not error:
            return ""
        return f", when the idle group of key {failed[1]!r:.80} completed. The group is removed without output"

    def roll_back(self, to: int = 0) -> None:
        """Undo the recorded changes, newest first, until `to` entries are left."""
        while len(self) > to:
            undo, *arguments = self.pop()
            undo(*arguments)
