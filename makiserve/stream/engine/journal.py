"""The undo journal: a record is a small transaction on state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


def restore(state: list[Any], slots: list[Any]) -> None:
    """Restore saved slots."""
    state[:] = slots


class Completion(NamedTuple):
    """A window or a group that completes. If it cannot, it would fail again at each record that follows.

    Attributes:
        kind: what it is: `window`, `session`, `part`, `list` or `group`.
        name: what a message calls it.
        is_last_chance: whether it is removed if it fails; otherwise `remove` notes that it has failed.
        remove: removes it, with `arguments`, if it is still there.
        arguments: those of `remove`.
    """

    kind: str
    name: str
    is_last_chance: bool
    remove: Callable[..., None]
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        end = "removed without output"
        if self.is_last_chance:
            return f", when the {self.name} completed. The {self.kind} is {end}"
        return f", when the {self.name} completed. If the next item fails, too, the {self.kind} is {end}"


class FailedCompletion(NamedTuple):
    """An error, and what it prevented from completing."""

    error: Exception
    completion: Completion


class Journal(list[tuple[Any, ...]]):
    """The calls that roll a record back, as `(function, *arguments)` in the order of the writes.

    Slots hold immutable values, so one shallow copy, made when a record enters a scope, is enough to roll it back. A
    change inside a container is recorded as its inverse. Nothing is recorded if no failure can follow a write.

    Attributes:
        completing: the innermost windows or groups whose output is pushed now; none unless the plan holds output back.
        failed: what the last record that failed could not complete; None if it was something else that failed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.completing: tuple[Completion, ...] = ()
        self.failed: Completion | None = None
        self._failed: list[FailedCompletion] = []

    def fail_completion(self, error: Exception, *completions: Completion) -> None:
        """Record that windows or groups could not complete. They are removed once the record is rolled back.

        If one completion causes another one, which fails, only the latter is removed: it is the first to report the
        error.
        """
        if not self._failed or self._failed[-1].error is not error:
            self._failed += [FailedCompletion(error, each) for each in completions]

    def take_failed_completion(self, error: Exception) -> Completion | None:
        """Return what an error prevented from completing; None if it is nothing. The record ends."""
        failed = self._failed[-1] if self._failed else None
        self.settle()
        self.failed = failed.completion if failed and failed.error is error else None
        return self.failed

    def roll_back(self, to: int = 0) -> None:
        """Undo the recorded changes, newest first, until `to` entries are left; remove what could not complete."""
        while len(self) > to:
            undo, *arguments = self.pop()
            undo(*arguments)
        for _, completion in self._failed:  # again after an error was caught: what is undone now may have put it back
            completion.remove(*completion.arguments)

    def settle(self) -> None:
        """Forget everything, because the record has ended."""
        self.clear()
        self._failed.clear()
        self.completing = ()
