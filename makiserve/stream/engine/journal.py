"""The undo journal: a record is a small transaction on state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


def restore(state: list[Any], slots: list[Any]) -> None:
    """Restore saved slots."""
    state[:] = slots


class FailedCompletion(NamedTuple):
    """A window or a group that could not complete: it would fail again at each record that follows.

    Attributes:
        error: the error.
        kind: what it is: `window`, `session`, `part` or `group`.
        name: what a message calls it.
        remove: removes it, with `arguments`, if it is still there.
        arguments: those of `remove`.
    """

    error: Exception
    kind: str
    name: str
    remove: Callable[..., None]
    arguments: tuple[Any, ...]


class Journal(list[tuple[Any, ...]]):
    """The calls that roll a record back, as `(function, *arguments)` in the order of the writes.

    Slots hold immutable values, so one shallow copy, made when a record enters a scope, is enough to roll it back. A
    change inside a container is recorded as its inverse. Nothing is recorded if no failure can follow a write.
    """

    def __init__(self) -> None:
        super().__init__()
        self._failed: list[FailedCompletion] = []

    def fail_completion(
        self, error: Exception, kind: str, name: str, remove: Callable[..., None], *arguments: Any
    ) -> None:
        """Record that a window or a group could not complete. It is removed once the record is rolled back.

        If one completion causes another one, which fails, only the latter is removed: it is the first to report the
        error. The arguments are those of `FailedCompletion`.
        """
        if not self._failed or self._failed[-1].error is not error:
            self._failed.append(FailedCompletion(error, kind, name, remove, arguments))

    def take_failed_completion(self, error: Exception) -> str:
        """Return, for a message, what an error prevented from completing; empty if it is none. The record ends."""
        failed = self._failed[-1] if self._failed else None
        self.settle()
        if failed is None or failed.error is not error:
            return ""
        return f", when the {failed.name} completed. The {failed.kind} is removed without output"

    def roll_back(self, to: int = 0) -> None:
        """Undo the recorded changes, newest first, until `to` entries are left; remove what could not complete."""
        while len(self) > to:
            undo, *arguments = self.pop()
            undo(*arguments)
        for failed in self._failed:  # again after an error was caught: what is undone now may have put it back
            failed.remove(*failed.arguments)

    def settle(self) -> None:
        """Forget everything, because the record has ended."""
        self.clear()
        self._failed.clear()
