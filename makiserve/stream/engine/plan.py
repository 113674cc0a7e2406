"""The plan: a traced pipeline as a value that can be compared, drawn and fingerprinted before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from makiserve.stream.engine.foreign import Foreign
from makiserve.stream.engine.operator import Operator


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
        return [operator.advice for operator in self.walk() if isinstance(operator, Foreign) and operator.hides_state]

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
