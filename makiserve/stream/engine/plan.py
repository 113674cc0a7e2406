"""The plan: a traced pipeline as a value, and the contract of the operators that it consists of."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage

Rhythm = tuple[Any, ...]
"""When a pipeline emits: two branches of a stream that have equal rhythms emit equally often for each item."""
EACH: Rhythm = ()
"""Exactly one item, at once, for each item."""
FIRST: Rhythm = ("first",)
"""Exactly one item for all items, at the first one."""
LAST: Rhythm = ("last",)
"""Exactly one item for all items, at completion."""
REGULAR = (EACH, FIRST, LAST)


@dataclass(frozen=True, eq=False)
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

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        """Return when it emits, if its items come in the rhythm `before`; None if that depends on their values."""
        return before if self.one_to_one else None

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

    @property
    def hidden(self) -> str | None:
        """What to use instead, where its state cannot be seen."""
        return None

    def parameters(self) -> dict[str, Any]:
        """The parameters that can be shown and compared: functions and inner pipelines are left out."""
        shown = (int, float, str, bool, type(None))
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if isinstance(value, shown) and value is not None}

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.parameters().items() if value is not False)
        return f"{self.name}({shown})" if shown else self.name


@dataclass(frozen=True, eq=False)
class Plan:
    """A chain of operators; those that take pipelines hold plans of their own."""

    operators: tuple[Operator, ...] = ()

    @property
    def fans_out(self) -> bool:
        """Whether one item may leave as several, or leave before everything that it passes through has run."""
        return any(operator.fans_out for operator in self.operators)

    @property
    def one_to_one(self) -> bool:
        """Whether each item leaves as exactly one, at once."""
        return all(operator.one_to_one for operator in self.operators)

    @property
    def rhythm(self) -> Rhythm:
        """When it emits. What depends on values is the same only for the same operators, up to the one that decides."""
        rhythm = EACH
        for index, operator in enumerate(self.operators):
            after = operator.rhythm(rhythm)
            rhythm = self.operators[: index + 1] if after is None else after
        return rhythm

    @property
    def stateless(self) -> bool:
        """Whether nothing is remembered between items."""
        return all(operator.stateless for operator in self.operators)

    @property
    def mergeable(self) -> bool:
        """Whether a window of items can be computed from parts of it: stateless steps up to a mergeable reduction."""
        stateful = (operator for operator in self.operators if not operator.stateless)
        return next((operator.mergeable for operator in stateful), False)

    @property
    def hidden(self) -> list[str]:
        """The operators that hide their state, those of rx that remember something, and what to use instead."""
        return [operator.hidden for operator in self.walk() if operator.hidden]

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change when the shape of the state may have changed.

        Operators, their order, nesting and plain parameters count. The text of the functions does not: it is covered
        by the digest of the pipeline's source.
        """
        return hashlib.sha256(self.draw().encode()).hexdigest()[:16]

    def walk(self) -> Iterator[Operator]:
        """Every operator, outer before inner, in the order of the pipeline."""
        for operator in self.operators:
            yield operator
            for _, plan in operator.plans():
                yield from plan.walk()

    def draw(self) -> str:
        """The plan as a tree of text, one operator a line.

        >>> from makiserve.stream import ops, math
        >>> from makiserve.stream.engine.trace import trace
        >>> print(trace([ops.map(abs), ops.group_by(str, [math.sum(reduce=True)])]).draw())
        map
        group_by
          pipeline:
            sum(reduce=True)
        """
        return "\n".join(self.lines(""))

    def lines(self, indent: str) -> Iterator[str]:
        """The lines of the drawing."""
        for operator in self.operators:
            yield f"{indent}{operator}"
            for place, plan in operator.plans():
                yield f"{indent}  {place}:"
                yield from plan.lines(indent + "    ")
