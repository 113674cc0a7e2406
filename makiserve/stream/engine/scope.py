"""Scopes: the layout of a lane's, a group's or a window's state, and how its states are made."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from makiserve.stream.engine.journal import Journal
from makiserve.stream.engine.operator import Stage, State


class Missing(Enum):
    """The content of a slot that has had no value yet; None is a value like any other."""

    MISSING = 0

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing.MISSING


class Slot(NamedTuple):
    """One slot of a layout.

    Attributes:
        owner: the operator it belongs to, as the user wrote its place.
        first: the content of a new state's slot, or the function that makes it, for a container.
        merge: joins the contents of two consecutive panes of a window; None where a pane never writes the slot.
        child: the layout of the states inside, for a slot that holds the scopes of groups or windows.
    """

    owner: str
    first: Any
    merge: Callable[[Any, Any], Any] | None
    child: Scope | None


class Scope:
    """The layout of one state list, filled in while a plan is compiled.

    Attributes:
        slots: one entry a slot, from slot 1 on; slot 0 is the enclosing scope's state.
        guarded: whether a record that enters must first have its slots remembered.
        path: the place in the pipeline, as the user wrote it, that slots and errors are named after.
    """

    def __init__(self, journal: Journal, path: tuple[str, ...] = (), *, locating: bool = False) -> None:
        self.journal = journal
        self.path = path
        self.locating = locating
        self.slots: list[Slot] = []
        self.guarded = False
        self._first: State = [None]
        self._made: list[tuple[int, Callable[[], Any]]] = []

    def value(self, first: Any, merge: Callable[[Any, Any], Any] | None = None) -> int:
        """A slot for an immutable value that starts as `first`; `merge` makes it fit for sliced windows."""
        self._first.append(first)
        return self._slot(first, merge, None)

    def container(self, make: Callable[[], Any], child: Scope | None = None) -> int:
        """A slot for a container that is changed in place; `child` is the layout of the states in it."""
        self._first.append(None)
        index = self._slot(make, None, child)
        self._made.append((index, make))
        return index

    def child(self) -> Scope:
        """The layout of a scope inside this one."""
        return Scope(self.journal, self.path, locating=self.locating)

    def writes(self, then: Stage) -> None:
        """Announce that a slot is written before `then` is pushed to."""
        self.guarded = self.guarded or then.raises or then.repeats

    def writes_last(self, then: Stage) -> None:
        """Announce that a slot is written as the last act of a push."""
        self.guarded = self.guarded or then.repeats

    def new(self, parent: State | None = None) -> State:
        """A fresh state inside `parent`."""
        state = self._first.copy()
        state[0] = parent
        for index, make in self._made:
            state[index] = make()
        return state

    def merger(self) -> Callable[[State, State], State]:
        """The function that joins the states of two consecutive panes into a new one."""
        merges = [(index, slot.merge) for index, slot in enumerate(self.slots, 1) if slot.merge]
        new = self.new

        def merge(earlier: State, later: State) -> State:
            merged = new(later[0])
            for index, join in merges:
                merged[index] = join(earlier[index], later[index])
            return merged

        return merge

    def _slot(self, first: Any, merge: Callable[[Any, Any], Any] | None, child: Scope | None) -> int:
        self.slots.append(Slot(" > ".join(self.path), first, merge, child))
        return len(self.slots)
