"""Scopes: the layout of a lane's, a group's or a window's state, and how its states are made."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.journal import Journal
from makiserve.stream.engine.stage import Stage, State


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
        is_kept: whether a checkpoint keeps it.
        is_container: whether it holds a container that is changed in place.
        merge: joins the contents of two consecutive panes of a window; None where a pane never writes the slot.
        child: the layout of the states inside, for a slot that holds the scopes of groups or windows.
        touched: for the groups of a tracked scope, the slot of the keys that were used since these were last taken.
    """

    owner: str
    first: Any
    is_container: bool
    is_kept: bool
    merge: Callable[[Any, Any], Any] | None
    child: Scope | None
    touched: int | None = None


class Scope:
    """The layout of one state list, filled in while a plan is compiled.

    Attributes:
        slots: one entry a slot, from slot 1 on; slot 0 is the enclosing scope's state.
        parent: the enclosing scope; None for a lane's.
        guarded: whether a record that enters must first have its slots remembered.
        path: the place in the pipeline, as the user wrote it, that slots and errors are named after.
        is_tracked: whether the groups in it note which keys were used, so that a checkpoint can leave the others out.
    """

    def __init__(self, journal: Journal, parent: Scope | None = None, *, is_tracked: bool = False) -> None:
        self.journal = journal
        self.parent = parent
        self.is_tracked = is_tracked
        self.path: tuple[str, ...] = parent.path if parent else ()
        self.slots: list[Slot] = []
        self.guarded = False

    def value(self, first: Any, merge: Callable[[Any, Any], Any] | None = None) -> int:
        """A slot for an immutable value that starts as `first`; `merge` makes it fit for sliced windows."""
        return self._slot(Slot(self._owner, first, is_container=False, is_kept=True, merge=merge, child=None))

    def container(self, make: Callable[[], Any], child: Scope | None = None, *, is_kept: bool = True) -> int:
        """A slot for a container that is changed in place; `child` is the layout of the states in it."""
        return self._slot(Slot(self._owner, make, is_container=True, is_kept=is_kept, merge=None, child=child))

    def groups(self, child: Scope) -> tuple[int, int | None]:
        """A slot for groups by key, and that of the keys that are used, where these are tracked."""
        touched = self.container(set, is_kept=False) if self.is_tracked else None
        slot = Slot(self._owner, dict, is_container=True, is_kept=True, merge=None, child=child, touched=touched)
        return self._slot(slot), touched

    def writes(self, then: Stage) -> None:
        """Announce that a slot is written before `then` is pushed to."""
        self.guarded = self.guarded or then.raises or then.repeats

    def writes_late(self, then: Stage) -> None:
        """Announce that a slot is written with `Code.later`, or as the last act of a push: nothing fails after it."""
        self.guarded = self.guarded or then.repeats

    def new(self, parent: State | None = None) -> State:
        """A fresh state inside `parent`."""
        return [parent, *(slot.first() if slot.is_container else slot.first for slot in self.slots)]

    def write_new(self, code: Code, parent: str) -> str:
        """The expression that makes a fresh state."""
        return f"[{', '.join([parent, *(self._write_first(code, slot) for slot in self.slots)])}]"

    def write_merge(self, code: Code) -> str:
        """A function that joins the states of two consecutive panes into a new one; its name."""
        contents = ["later[0]"]
        for index, slot in enumerate(self.slots, 1):
            join = slot.merge and f"{code.constant(slot.merge, 'merge')}(earlier[{index}], later[{index}])"
            contents.append(join or self._write_first(code, slot))
        return code.function(
            code.name("merged"),
            self,
            lambda _: code.line(f"return [{', '.join(contents)}]"),
            parameters="earlier, later",
        )

    def write_enter(self, code: Code, state: str) -> None:
        """Where the scope is guarded, write that the slots of `state` are remembered."""
        if self.guarded:
            code.remember(state)

    @property
    def _owner(self) -> str:
        return " > ".join(self.path)

    def _slot(self, slot: Slot) -> int:
        self.slots.append(slot)
        return len(self.slots)

    def _write_first(self, code: Code, slot: Slot) -> str:
        if slot.is_container:
            return {list: "[]", dict: "{}"}.get(slot.first) or f"{code.constant(slot.first, 'make')}()"
        return repr(slot.first) if type(slot.first) in (int, bool, float, type(None)) else code.constant(slot.first)
