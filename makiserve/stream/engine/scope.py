"""Scopes: the layout of a lane's, a group's or a window's state, and the code that creates its states."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.journal import Journal
from makiserve.stream.engine.stage import Stage, State


class Missing(Enum):
    """The content of a slot that has not had a value yet; None is an ordinary value."""

    MISSING = 0

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing.MISSING


class Slot(NamedTuple):
    """One slot of a layout.

    Attributes:
        owner: the operator that it belongs to, by its place in the user's pipeline.
        first: the content in a new state; for a container, the function that creates it.
        is_kept: whether a checkpoint keeps it.
        is_container: whether it holds a container that is changed in place.
        merge: joins the contents of two consecutive panes of a window; None if a pane never writes the slot.
        child: the layout of the states inside, for a slot that holds the scopes of groups or windows.
        touched: for the groups of a tracked scope, the slot of the keys used since they were last taken.
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
        slots: one entry for each slot, from slot 1; slot 0 is the enclosing scope's state.
        parent: the enclosing scope; None for a lane's.
        guarded: whether its slots must be saved in the journal before a record enters.
        path: the place in the user's pipeline, which names slots and errors.
        is_tracked: whether its groups record which keys were used, so that a checkpoint can leave the others out.
        is_window: whether it is the state of a window of time.
        may_be_empty: whether it is that of a window that completes without items, too: `first` and `last` emit None.
        bounds: the slot of the window's start and end, which the window's operator fills; None if nothing reads them.
        allocate_mark: allocates the slot of a mark of windows that could not complete; `tee_map` replaces it.
        marks: the marks of its rolls, in the order in which they were allocated.
        held: what its operators hold and give to functions with later items, in the order in which it was allocated.
        number: the slot of a group's number, by which a checkpoint sorts the groups; None if they are in order.
    """

    def __init__(
        self,
        journal: Journal,
        parent: Scope | None = None,
        *,
        is_tracked: bool = False,
        is_window: bool = False,
        may_be_empty: bool = False,
    ) -> None:
        self.journal = journal
        self.parent = parent
        self.is_tracked = is_tracked
        self.is_window = is_window
        self.may_be_empty = may_be_empty
        self.bounds: int | None = None
        self.number: int | None = None
        self.path: tuple[str, ...] = parent.path if parent else ()
        self.slots: list[Slot] = []
        self.guarded = False
        self.allocate_mark: Callable[[], int] = lambda: self.value(0)
        self.marks: list[Any] = []
        self.held: list[Any] = []
        self._merges: dict[Code, str] = {}

    def value(self, first: Any, merge: Callable[[Any, Any], Any] | None = None) -> int:
        """Allocate a slot for an immutable value, initially `first`; sliced windows need `merge`."""
        return self._slot(Slot(self._owner, first, is_container=False, is_kept=True, merge=merge, child=None))

    def container(self, make: Callable[[], Any], child: Scope | None = None, *, is_kept: bool = True) -> int:
        """Allocate a slot for a container that is changed in place; `child` is the layout of the states in it."""
        return self._slot(Slot(self._owner, make, is_container=True, is_kept=is_kept, merge=None, child=child))

    def groups(self, child: Scope) -> tuple[int, int | None]:
        """Allocate a slot for groups by key and, if they are tracked, one for the keys that are used; else None."""
        touched = self.container(set, is_kept=False) if self.is_tracked else None
        slot = Slot(self._owner, dict, is_container=True, is_kept=True, merge=None, child=child, touched=touched)
        return self._slot(slot), touched

    @property
    def window(self) -> Scope | None:
        """The innermost window of time, this scope or one around it; None if there is none."""
        if self.is_window or self.parent is None:
            return self if self.is_window else None
        return self.parent.window

    def with_bounds(self) -> int:
        """Return the slot of this window's start and end."""
        if self.bounds is None:
            self.bounds = self.value(None, merge=lambda earlier, _: earlier)
        return self.bounds

    def write_bounds(self, code: Code, window: str, bounds: str) -> None:
        """Write that a window has these bounds, if an operator inside reads them."""
        if self.bounds is not None:
            code.line(f"{window}[{self.bounds}] = {bounds}")

    def writes(self, then: Stage) -> None:
        """Announce that a slot is written before `then` is pushed to."""
        self.guarded = self.guarded or then.raises or then.repeats

    def writes_late(self, then: Stage) -> None:
        """Announce that a slot is written with `Code.later` or as the last act of a push: nothing fails after it."""
        self.guarded = self.guarded or then.repeats

    def new(self, parent: State | None = None) -> State:
        """Return a new state inside `parent`."""
        return [parent, *(slot.first() if slot.is_container else slot.first for slot in self.slots)]

    def write_new(self, code: Code, parent: str) -> str:
        """Return the expression that creates a new state."""
        return f"[{', '.join([parent, *(self._write_first(code, slot) for slot in self.slots)])}]"

    def write_merge(self, code: Code) -> str:
        """Write a function that joins the states of two consecutive panes into a new one, and return its name."""
        if code in self._merges:
            return self._merges[code]
        contents = ["later[0]"]
        for index, slot in enumerate(self.slots, 1):
            join = slot.merge and f"{code.constant(slot.merge, 'merge')}(earlier[{index}], later[{index}])"
            contents.append(join or self._write_first(code, slot))
        self._merges[code] = code.function(
            code.name("merged"),
            self,
            lambda _: code.line(f"return [{', '.join(contents)}]"),
            parameters="earlier, later",
        )
        return self._merges[code]

    def write_enter(self, code: Code, state: str) -> None:
        """Write that the slots of `state` are saved in the journal, if the scope is guarded."""
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
