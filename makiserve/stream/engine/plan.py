"""The plan: a traced pipeline as a value, and the contract of the operators that it consists of."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple

from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage

Rhythm = tuple[Any, ...]
"""When a pipeline emits. Two branches of a stream with equal rhythms emit the same number of items for each item."""
EACH: Rhythm = ()
"""Exactly one item, at once, for each item."""
FIRST: Rhythm = ("first",)
"""Exactly one item for all items, at the first one."""
LAST: Rhythm = ("last",)
"""Exactly one item for all items, at completion."""
REGULAR = (EACH, FIRST, LAST)


class Traits(NamedTuple):
    """What the engine needs to know of an operator before it writes code for it.

    Attributes:
        raises: whether it can fail on an item, through a function of the user or arithmetic on foreign values.
        stateless: whether it keeps nothing between items.
        one_to_one: whether it emits exactly one item, at once, for each item: it writes what follows exactly once, not
            inside a block that it opens.
        writes_late: whether it writes its slots only with `Code.later`, never inside a block that it opens.
        mergeable: whether it emits only at completion, from slots that can be merged across the panes of a window.
    """

    raises: bool = True
    stateless: bool = False
    one_to_one: bool = False
    writes_late: bool = False
    mergeable: bool = False


@dataclass(frozen=True, eq=False)
class Operator(ABC):
    """One node of a plan. Its fields are the parameters that the user wrote."""

    name: ClassVar[str]

    @property
    def traits(self) -> Traits:
        """Its traits. A class whose traits do not depend on parameters has them as an attribute."""
        return Traits()

    @property
    def holds_back(self) -> bool:
        """Return whether it holds output of operators inside it, or before it, back until they have run."""
        return False

    @property
    def fans_out(self) -> bool:
        """Return whether one item may cause several pushes downstream.

        In that case a later push can fail after an earlier one has written.
        """
        return any(plan.fans_out for _, plan in self.plans())

    @property
    def holds_items(self) -> bool:
        """Return whether what it emits depends on items that it holds, which may be the cause if a function fails."""
        return any(True for _ in self.plans())

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        """Return when it emits, if its items come in the rhythm `before`; None if that depends on their values."""
        return before if self.traits.one_to_one else None

    def plans(self) -> Iterator[tuple[str, Plan]]:
        """Yield the inner pipelines, each with the name of its place."""
        yield from ()

    @abstractmethod
    def build(self, then: Stage, scope: Scope) -> Part:
        """Allocate the operator's slots in `scope` and return the code that it writes in front of `then`.

        The generated code computes before it writes a slot, so that its own failure leaves no trace. A write that a
        later failure must undo is announced with `scope.writes(then)`, or with `writes_late` if it is deferred.
        A change inside a container is recorded in the journal. Code that completes a scope records the scope there
        first.
        """

    @property
    def hidden(self) -> str | None:
        """The replacement to suggest if the operator hides its state; otherwise None."""
        return None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that can be shown and compared, without functions and inner pipelines."""
        shown = (int, float, str, bool, type(None))
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if isinstance(value, shown) and value is not None}

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.parameters().items() if value is not False)
        return f"{self.name}({shown})" if shown else self.name


@dataclass(frozen=True, eq=False)
class Plan:
    """A chain of operators; an operator that takes pipelines holds their plans."""

    operators: tuple[Operator, ...] = ()

    @property
    def fans_out(self) -> bool:
        """Return whether one item may leave as several, or before all operators that it passes have run."""
        return any(operator.fans_out for operator in self.operators)

    @property
    def one_to_one(self) -> bool:
        """Return whether each item leaves as exactly one, at once."""
        return all(operator.traits.one_to_one for operator in self.operators)

    @property
    def rhythm(self) -> Rhythm:
        """The rhythm of the output. If it depends on values, it is the operators up to the one that decides."""
        rhythm = EACH
        for index, operator in enumerate(self.operators):
            after = operator.rhythm(rhythm)
            rhythm = self.operators[: index + 1] if after is None else after
        return rhythm

    @property
    def stateless(self) -> bool:
        """Return whether no state is kept between items."""
        return all(operator.traits.stateless for operator in self.operators)

    @property
    def mergeable(self) -> bool:
        """Return whether a window can be merged from panes: stateless steps up to a mergeable reduction."""
        stateful = (operator.traits for operator in self.operators if not operator.traits.stateless)
        return next((traits.mergeable for traits in stateful), False)

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
        """Yield every operator, outer before inner, in the order of the pipeline."""
        for operator in self.operators:
            yield operator
            for _, plan in operator.plans():
                yield from plan.walk()

    def draw(self) -> str:
        """Return the plan as a tree of text, one operator a line.

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
        """Yield the lines of the drawing."""
        for operator in self.operators:
            yield f"{indent}{operator}"
            for place, plan in operator.plans():
                yield f"{indent}  {place}:"
                yield from plan.lines(indent + "    ")
