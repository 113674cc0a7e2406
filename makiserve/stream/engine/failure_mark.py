"""Windows of a number of items that cannot complete: the second item that fails in the same place removes the window.

The item that fills such a window is a part of it, and may be the only cause of the failure. So it is undone, and the
next item fills the window instead. If that fails, too, the window is removed: the item that follows takes its place
in the windows that overlap it, without output. See decision 0251.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import completing
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import State

Slot = TypeVar("Slot")


class FailureMark:
    """Which window of a `roll` could not complete, and how often: a number in a slot.

    It is `2 * n + 1` after the first failure of the window that item n fills, and `2 * n + 2` after the second one. It
    has no effect any more once item n has passed.

    Args:
        scope: the scope of the roll.
        position: the slot of the number of its items.
        window: the number of items of a window.

    Attributes:
        slot: the slot.
    """

    def __init__(self, scope: Scope, position: int, window: int) -> None:
        self.slot = scope.allocate_mark()
        scope.marks.append(self)
        self._position, self._window = position, window

    def is_removed(self, code: Code, state: str, count: str) -> str:
        """Return the expression for whether the window that the item after `count` others fills is removed."""
        return f"{state}[{self.slot}] == 2 * {count} + 2"

    def completing(self, code: Code, state: str, count: str) -> AbstractContextManager[None]:
        """Write that the window that the item after `count` others fills completes."""
        name, mark = repr(f"window of {self._window} items"), f"{state}[{self.slot}]"
        is_last_chance = f"{mark} == 2 * {count} + 1"
        return completing(code, "window", name, self.note, state, count, mark, is_last_chance=is_last_chance)

    def note(self, state: State, count: int, mark: int) -> None:
        """Note that the window could not complete when this was the mark, unless it has been passed since."""
        if state[self._position] == count:
            state[self.slot] = marked(count, mark)


def marked(count: int, mark: int) -> int:
    """Return the mark after the item that follows `count` others could not complete a window, given that before it."""
    return 2 * count + 1 + (mark == 2 * count + 1)


class SharedMarks(Generic[Slot]):
    """Marks for branches of a `tee_map` that are joined by item: the rolls in the same place have the same mark.

    If a window of one branch is removed, so are those of the others, because the branches must emit together.
    """

    def __init__(self, allocate: Callable[[], Slot]) -> None:
        self._allocate = allocate
        self._slots: list[Slot] = []
        self._next = 0

    def begin(self) -> None:
        """Begin a branch."""
        self._next = 0

    def allocate(self) -> Slot:
        """Return the slot of the branch's next roll."""
        if self._next == len(self._slots):
            self._slots.append(self._allocate())
        self._next += 1
        return self._slots[self._next - 1]
