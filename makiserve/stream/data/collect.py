"""Operators that keep every item until the stream or its window completes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage


@dataclass(frozen=True, eq=False)
class Collect(Operator):
    """Keeps what the items are made of in one list a scope."""

    def write_value(self, code: Code, item: str) -> str:
        """The expression for what is kept of an item."""
        return item

    @abstractmethod
    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        """Write what becomes of the list `kept`, which must not be changed."""

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(list)

        def push(code: Code, item: str) -> None:
            value = self.write_value(code, item)
            kept = code.let("kept", f"{code.state(scope)}[{slot}]")
            code.line(f"{kept}.append({value})")
            code.line(f"journal.append(({kept}.pop,))")

        def complete(code: Code) -> None:
            self.write_end(code, f"{code.state(scope)}[{slot}]", then)
            then.complete(code)

        return Part(push, complete)
