"""The contract of an operator: parameters as fields, and how it writes its part of a program."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from makiserve.stream.engine.code import Code

if TYPE_CHECKING:
    from makiserve.stream.engine.plan import Plan
    from makiserve.stream.engine.scope import Scope

State = list[Any]
"""The slots of one scope. Slot 0 is the state of the enclosing scope."""


class Stage(NamedTuple):
    """The rest of a pipeline, seen from one point of it: what can be written there.

    Two facts decide whether a write to a slot made at that point must be undoable. `raises`: pushing on may fail.
    `repeats`: the same record may come back, or be pushed elsewhere, after the push has returned, and fail there.

    Attributes:
        push: writes the code that an item, given as an expression, goes through, in line.
        call: writes a call of a function that does the same: for places that are off the hot path, or several.
        complete: writes the code that completes the stream.
    """

    push: Callable[[Code, str], None]
    call: Callable[[Code, str], None]
    complete: Callable[[Code], None]
    raises: bool = True
    repeats: bool = False


class Part(NamedTuple):
    """What an operator writes: its push, its completion."""

    push: Callable[[Code, str], None]
    complete: Callable[[Code], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Operator(ABC):
    """One node of a plan. Its fields are the parameters that the user wrote.

    Attributes:
        raises: whether it can fail on an item, through a function of the user or arithmetic on foreign values.
        stateless: whether it keeps nothing between items.
        one_to_one: whether it emits exactly one item, at once, for each item: it writes what follows exactly once, in
            no block of its own.
        writes_late: whether it writes its slots with `Code.later` alone, in no block of its own.
        mergeable: whether it emits only at completion, from slots that the panes of a window can merge.
    """

    name: ClassVar[str]
    raises: ClassVar[bool] = True
    stateless: ClassVar[bool] = False
    one_to_one: ClassVar[bool] = False
    writes_late: ClassVar[bool] = False

    @property
    def mergeable(self) -> bool:
        return False

    @property
    def fans_out(self) -> bool:
        """Whether one item may cause several pushes downstream: a later one can fail after an earlier one wrote."""
        return any(plan.fans_out for _, plan in self.plans())

    def plans(self) -> Iterator[tuple[str, Plan]]:
        """The inner pipelines, each with the name of its place."""
        yield from ()

    @abstractmethod
    def build(self, then: Stage, scope: Scope) -> Part:
        """Take slots of `scope` for what is remembered; say what is to be written in front of `then`.

        What is written computes before it writes a slot, so that its own failure leaves no trace; a write that a later
        failure must undo is announced by `scope.writes(then)` (or `writes_late`, when it is deferred), and
        a change inside a container is recorded in the journal. Whoever completes a scope enters it there first.
        """

    def parameters(self) -> dict[str, Any]:
        """The parameters that can be shown and compared: functions and inner pipelines are left out."""
        shown = (int, float, str, bool, type(None))
        pairs = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: value for name, value in pairs if isinstance(value, shown) and value is not None}

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.parameters().items() if value is not False)
        return f"{self.name}({shown})" if shown else self.name
