"""The undo journal: a record is a small transaction on state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

    @property
    def event(self) -> str:
        """The end of a message that names the window or group that completed."""
        return f", when the {self.name} completed"

    @property
    def consequence(self) -> str:
        """The end of a message that names the effect on the window or group."""
        if self.is_last_chance:
            return f". The {self.kind} is removed without output"
        return f". If the next item fails, too, the {self.kind} is removed without output"

    def apply(self) -> None:
        """Remove it, or note that it has failed. Doing so again has the same effect."""
        self.remove(*self.arguments)


class Suspect:
    """Held items that a function has failed with.

    Args:
        items: the held items.
        state: the state that they are in.

    Attributes:
        failures: how many items in a row have failed with them before; None if nothing was held.
    """

    def __init__(self, items: Any, state: list[Any]) -> None:
        self.items, self.state = items, state
        self._in_use = items.in_use(state)
        self.failures: int | None = None
        self._is_known = False

    def apply(self) -> None:
        """Drop the item, or note that a function has failed with it. Doing so again has the same effect."""
        if not self._is_known:
            self.failures, self._is_known = self.items.failures(self.state, self._in_use), True
        if self.failures is not None:
            self.items.fail(self.state, self.failures, self._in_use)


Origin = tuple[Completion | tuple[Any, list[Any]], ...]
"""What may be the cause if a function fails on an item: completions, and held items with their states."""


@dataclass
class Failure:
    """What may be the cause of an error.

    Attributes:
        error: the error.
        cause: what may be the cause.
        since: the length of the journal when this was last noted in the state; None if it has not been noted yet.
    """

    error: BaseException
    cause: Completion | Suspect
    since: int | None = None


class Journal(list[tuple[Any, ...]]):
    """The calls that roll a record back, as `(function, *arguments)` in the order of the writes.

    Slots hold immutable values, so one shallow copy, made when a record enters a scope, is enough to roll it back. A
    change inside a container is recorded as its inverse. Nothing is recorded if no failure can follow a write.

    Attributes:
        origin: what may be the cause if what is pushed now fails: the innermost windows or groups that complete, and
            items held since. It is empty unless the plan holds output back.
        failed: what may be the cause of the failure of the last record that failed, apart from the record.
    """

    def __init__(self) -> None:
        super().__init__()
        self.origin: Origin = ()
        self.failed: tuple[Completion | Suspect, ...] = ()
        self._failures: list[Failure] = []
        self._complete: BaseException | None = None

    def fail_held(self, error: BaseException, held: tuple[Any, list[Any]]) -> None:
        """Record that held items may be the cause of an error, unless a completion between them and it may be."""
        if self._complete is not error:
            self._add(error, held)

    def fail_all(self, error: BaseException, *causes: Completion | tuple[Any, list[Any]]) -> None:
        """Record all that may be the cause of an error. Completions are removed once the record is rolled back.

        If one completion causes another one, which fails, only the latter is removed: it is the first to report the
        error.
        """
        if self._complete is error:
            return
        for cause in causes:
            self._add(error, cause)
        self._complete = error if causes else self._complete

    def take_failed(self, error: BaseException) -> tuple[Completion | Suspect, ...]:
        """Return what else than the record may be the cause of an error. The record ends."""
        causes = [failure.cause for failure in self._failures if failure.error is error]
        self.settle()
        self.failed = tuple(cause for cause in causes if isinstance(cause, Completion) or cause.failures is not None)
        return self.failed

    def roll_back(self, to: int = 0) -> None:
        """Undo the recorded changes, newest first, until `to` entries are left; note what may be the cause."""
        while len(self) > to:
            undo, *arguments = self.pop()
            undo(*arguments)
        for failure in self._failures:
            if failure.since is None or failure.since > to:  # what is undone now may have undone the note
                failure.cause.apply()
                failure.since = to

    def settle(self) -> None:
        """Forget everything, because the record has ended."""
        self.clear()
        self._failures.clear()
        self._complete, self.origin = None, ()

    def _add(self, error: BaseException, cause: Completion | tuple[Any, list[Any]]) -> None:
        if isinstance(cause, Completion):
            self._failures.append(Failure(error, cause))
            return
        suspects = (failure.cause for failure in self._failures if failure.error is error)
        items, state = cause
        if not any(isinstance(known, Suspect) and known.items is items and known.state is state for known in suspects):
            self._failures.append(Failure(error, Suspect(items, state)))


def consequences(failed: Sequence[Completion | Suspect]) -> str:
    """Return the end of a message: the effect on the items, windows and groups that may be the cause."""
    completions = [cause for cause in failed if isinstance(cause, Completion)][-1:]
    suspects = [cause for cause in failed if isinstance(cause, Suspect)]
    text = "".join(completion.event for completion in completions)
    if suspects:
        text += f", with what {_names(suspects)} held"
    dropped = [suspect for suspect in suspects if suspect.failures]
    waiting = [suspect for suspect in suspects if not suspect.failures]
    if waiting:
        text += f". If the next item fails, too, {f'that of {_names(waiting)}' if dropped else 'it'} is dropped"
    if dropped:
        text += f". {f'That of {_names(dropped)}' if waiting else 'It'} is dropped, as if the key began after it"
    return text + "".join(completion.consequence for completion in completions)


def _names(suspects: Sequence[Suspect]) -> str:
    return " and ".join(dict.fromkeys(suspect.items.operator for suspect in suspects))
